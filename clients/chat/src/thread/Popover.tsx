import type { ComponentChildren, VNode } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { usePopover } from "../ui/layers.js";

interface PopoverProps {
  label: string;
  /** What it stands beside. */
  anchor: HTMLElement;
  onClose: (isFocusToReturn: boolean) => void;
  children: ComponentChildren;
}

/** A small window beside a button, closed by Escape, Tab past its end or a press elsewhere. */
export function Popover({ label, anchor, onClose, children }: PopoverProps): VNode {
  const box = usePopover(anchor, onClose);
  useLayoutEffect(() => {
    box.current?.querySelector<HTMLElement>("button, input")?.focus();
  }, [box]);

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
