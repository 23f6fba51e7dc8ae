import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { useSession } from "../session.js";
import { IconButton } from "../ui/Button.js";
import { COMMON } from "./emoji.js";
import { Popover } from "./Popover.js";
import { emojiOf } from "./segments.js";

interface EmojiPickerProps {
  /** What the button is called. */
  label: string;
  onPick: (emoji: string) => void;
  tabIndex?: number;
  onToggle?: (isOpen: boolean) => void;
}

const IN_ROW = 8;

/** A button that opens the emoji that people use most, and a field for all others. */
export function EmojiPicker({ label, onPick, tabIndex, onToggle }: EmojiPickerProps): VNode {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const toggle = (next: boolean): void => {
    setOpen(next);
    onToggle?.(next);
  };
  const pick = (emoji: string): void => {
    toggle(false);
    button.current?.focus();
    onPick(emoji);
  };
  return (
    <>
      <IconButton
        icon="smile"
        label={label}
        buttonRef={button}
        tabIndex={tabIndex}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        onClick={() => toggle(!isOpen)}
      />
      {isOpen && button.current && (
        <Popover
          label={label}
          anchor={button.current}
          onClose={(isFocusToReturn) => {
            toggle(false);
            if (isFocusToReturn) button.current?.focus();
          }}
        >
          <Choices onPick={pick} />
        </Popover>
      )}
    </>
  );
}

function Choices({ onPick }: { onPick: (emoji: string) => void }): VNode {
  const { t } = useSession();
  const [isWrong, setWrong] = useState(false);
  const grid = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState(0);

  const onKeyDown = (event: KeyboardEvent): void => {
    const isRtl = grid.current !== null && getComputedStyle(grid.current).direction === "rtl";
    const step = {
      ArrowRight: isRtl ? -1 : 1,
      ArrowLeft: isRtl ? 1 : -1,
      ArrowDown: IN_ROW,
      ArrowUp: -IN_ROW,
    };
    if (!(event.key in step)) return;
    event.preventDefault();
    const next = current + (step[event.key as keyof typeof step] ?? 0);
    if (next < 0 || next >= COMMON.length) return;
    setCurrent(next);
    const button = grid.current?.children[next];
    if (button instanceof HTMLElement) button.focus();
  };

  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a set of buttons, not of form fields */}
      <div
        class="thread-emoji"
        ref={grid}
        role="group"
        aria-label={t("thread.emoji.pick")}
        onKeyDown={onKeyDown}
      >
        {COMMON.map((emoji, index) => (
          <button
            key={emoji}
            type="button"
            tabIndex={index === current ? 0 : -1}
            onClick={() => onPick(emoji)}
          >
            {emoji}
          </button>
        ))}
      </div>
      <label class="thread-emoji-any">
        <span>{t("thread.emoji.any")}</span>
        <input
          class="ui-input"
          autocomplete="off"
          aria-invalid={isWrong}
          onInput={(event) => {
            const { value, isComposing } = {
              value: event.currentTarget.value,
              isComposing: event.isComposing,
            };
            if (isComposing) return;
            const emoji = emojiOf(value);
            if (emoji !== null) onPick(emoji);
            else setWrong(value.trim() !== "");
          }}
        />
      </label>
      {isWrong && (
        <p class="thread-emoji-wrong" role="status">
          {t("thread.emoji.none")}
        </p>
      )}
    </>
  );
}
