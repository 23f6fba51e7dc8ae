import type { Message } from "@callboard/client";
import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useSession } from "../session.js";
import { IconButton } from "../ui/Button.js";
import { Menu, type MenuEntry } from "../ui/Menu.js";
import { useOpenThread } from "./context.js";
import { EmojiPicker } from "./EmojiPicker.js";

interface ToolbarProps {
  message: Message;
  isMine: boolean;
  isCurrent: boolean;
  /** Open the menu at once: by a long press, or by Enter. */
  opensMenu: boolean;
  /** Told while something of it stands open, so that it stays. */
  onHold: (isHeld: boolean) => void;
}

/** What one can do with a message, beside it while one points at it or is in it. */
export function Toolbar(props: ToolbarProps): VNode {
  const { message, isMine, isCurrent, opensMenu, onHold } = props;
  const { t } = useSession();
  const { actions, isOpen } = useOpenThread();
  const box = useRef<HTMLDivElement>(null);
  const tabIndex = isCurrent ? 0 : -1;

  useLayoutEffect(() => {
    if (!opensMenu) return;
    box.current?.querySelector<HTMLElement>('[aria-haspopup="menu"]')?.click();
  }, [opensMenu]);

  const entries: MenuEntry[] = [];
  const add = (isFitting: boolean, entry: MenuEntry): void => {
    if (isFitting) entries.push(entry);
  };
  add(isOpen, {
    label: t("thread.menu.reply"),
    icon: "reply",
    onSelect: () => actions.reply(message),
  });
  add(message.body !== "", {
    label: t("thread.menu.copy"),
    icon: "copy",
    onSelect: () => actions.copy(message),
  });
  add(isOpen && isMine && message.body !== "", {
    label: t("thread.menu.edit"),
    icon: "edit",
    onSelect: () => actions.edit(message),
  });
  add(message.edited_at !== null, {
    label: t("thread.menu.history"),
    icon: "history",
    onSelect: () => actions.showHistory(message),
  });
  add(isMine, {
    label: t("thread.menu.delete"),
    icon: "trash",
    danger: true,
    onSelect: () => actions.remove(message),
  });
  add(!isMine, {
    label: t("thread.menu.report"),
    icon: "flag",
    danger: true,
    onSelect: () => actions.report(message),
  });

  return (
    <div class="thread-toolbar" ref={box}>
      {isOpen && (
        <>
          <EmojiPicker
            label={t("thread.react")}
            tabIndex={tabIndex}
            onToggle={onHold}
            onPick={(emoji) => actions.react(message, emoji, true)}
          />
          <IconButton
            icon="reply"
            label={t("thread.menu.reply")}
            tabIndex={tabIndex}
            onClick={() => actions.reply(message)}
          />
        </>
      )}
      <Menu label={t("thread.menu")} entries={entries} onToggle={onHold} />
    </div>
  );
}
