import type { ComponentChildren, VNode } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { place } from "../ui/Menu.js";

interface PopoverProps {
  label: string;
  /** What it stands beside. */
  anchor: HTMLElement;
  onClose: (isFocusToReturn: boolean) => void;
  children: ComponentChildren;
}

/** A small window beside a button, closed by Escape, Tab past its end or a press elsewhere. */
export function Popover({ label, anchor, onClose, children }: PopoverProps): VNode {
  const box = useRef<HTMLDivElement>(null);
  const closing = useRef(onClose);
  closing.current = onClose;

  useLayoutEffect(() => {
    const window = box.current;
    if (window === null) return;
    // In the browser's top layer, where no scrolling part cuts it off.
    window.showPopover();
    place(window, anchor);
    window.querySelector<HTMLElement>("button, input")?.focus();
  }, [anchor]);

  useEffect(() => {
    const outside = (event: Event): void => {
      const path = event.composedPath();
      if ([box.current, anchor].some((part) => part !== null && path.includes(part))) return;
      closing.current(false);
    };
    const away = (): void => closing.current(false);
    addEventListener("pointerdown", outside, true);
    addEventListener("resize", away);
    return () => {
      removeEventListener("pointerdown", outside, true);
      removeEventListener("resize", away);
    };
  }, [anchor]);

  return (
    <div
      class="thread-popover"
      popover="manual"
      role="dialog"
      aria-label={label}
      ref={box}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose(true);
      }}
      onFocusOut={(event) => {
        const next = event.relatedTarget;
        if (next instanceof Node && !event.currentTarget.contains(next) && next !== anchor) {
          onClose(false);
        }
      }}
    >
      {children}
    </div>
  );
}
