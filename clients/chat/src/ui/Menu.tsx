import type { ComponentChildren, VNode } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { IconButton } from "./Button.js";
import { Icon, type IconName } from "./Icon.js";
import { usePopover } from "./layers.js";

export interface MenuItem {
  label: string;
  icon?: IconName;
  onSelect: () => void;
  /** Given for one of a group of choices. */
  checked?: boolean;
  danger?: boolean;
  disabled?: boolean;
}

/** Items, a line between, or a title above some. */
export type MenuEntry = MenuItem | { line: true } | { title: string };

interface MenuProps {
  /** What the button is called. */
  label: string;
  icon?: IconName;
  entries: readonly MenuEntry[];
  /** In place of the button with the icon: what is pressed to open. */
  trigger?: ComponentChildren;
  triggerClass?: string;
  onToggle?: (isOpen: boolean) => void;
}

/** A button that opens a list of things to do: arrows, Home, End, letters, Escape. */
export function Menu(props: MenuProps): VNode {
  const { label, icon = "more", entries, trigger, triggerClass = "", onToggle } = props;
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const toggle = (next: boolean): void => {
    setOpen(next);
    onToggle?.(next);
  };
  const close = (back: boolean): void => {
    toggle(false);
    if (back) button.current?.focus();
  };
  const shared = {
    "aria-haspopup": "menu" as const,
    "aria-expanded": isOpen,
    onClick: () => toggle(!isOpen),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      toggle(true);
    },
  };
  return (
    <>
      {trigger === undefined ? (
        <IconButton icon={icon} label={label} buttonRef={button} {...shared} />
      ) : (
        <button type="button" class={triggerClass} aria-label={label} ref={button} {...shared}>
          {trigger}
        </button>
      )}
      {isOpen && <List label={label} entries={entries} button={button.current} close={close} />}
    </>
  );
}

interface ListProps {
  label: string;
  entries: readonly MenuEntry[];
  button: HTMLButtonElement | null;
  close: (back: boolean) => void;
}

function List({ label, entries, button, close }: ListProps): VNode {
  const box = usePopover(button, close);
  useLayoutEffect(() => {
    if (box.current) itemsOf(box.current)[0]?.focus();
  }, [box]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close(true);
    } else if (event.key === "Tab") {
      close(true);
    } else if (box.current && step(itemsOf(box.current), event)) {
      event.preventDefault();
    }
  };

  return (
    <div
      class="ui-menu"
      popover="manual"
      role="menu"
      aria-label={label}
      ref={box}
      onKeyDown={onKeyDown}
    >
      {entries.map((entry) => {
        if ("line" in entry) return <hr />;
        if ("title" in entry) {
          return (
            <div class="ui-menu-title" role="presentation">
              {entry.title}
            </div>
          );
        }
        return <Item entry={entry} close={close} />;
      })}
    </div>
  );
}

function Item({ entry, close }: { entry: MenuItem; close: (back: boolean) => void }): VNode {
  const isChoice = entry.checked !== undefined;
  const role = isChoice
    ? { role: "menuitemradio" as const, "aria-checked": entry.checked }
    : { role: "menuitem" as const };
  return (
    <button
      type="button"
      tabIndex={-1}
      {...role}
      aria-disabled={entry.disabled}
      class={entry.danger ? "ui-menu-item ui-menu-item-danger" : "ui-menu-item"}
      onClick={() => {
        if (entry.disabled) return;
        close(true);
        entry.onSelect();
      }}
    >
      {entry.icon && <Icon name={entry.icon} />}
      <span>{entry.label}</span>
      {entry.checked && <Icon name="check" />}
    </button>
  );
}

function itemsOf(list: HTMLElement): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>('[role^="menuitem"]')];
}

/** Move the focus as the key says; tells whether it was such a key. */
function step(items: HTMLElement[], event: KeyboardEvent): boolean {
  const now = items.findIndex((item) => item.matches(":focus"));
  const count = items.length;
  let next = -1;
  if (event.key === "ArrowDown") next = (now + 1) % count;
  else if (event.key === "ArrowUp") next = (now + count - 1) % count;
  else if (event.key === "Home") next = 0;
  else if (event.key === "End") next = count - 1;
  else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && event.key !== " ") {
    const letter = event.key.toLocaleLowerCase();
    const after = [...items.slice(now + 1), ...items.slice(0, now + 1)];
    const found = after.find((item) =>
      item.textContent.trim().toLocaleLowerCase().startsWith(letter),
    );
    if (found) next = items.indexOf(found);
  }
  items[next]?.focus();
  return next >= 0;
}
