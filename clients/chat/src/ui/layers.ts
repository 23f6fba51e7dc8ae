import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** A dialog above everything while it is drawn; the focus goes back to where it was. */
export function useModal(): RefObject<HTMLDialogElement | null> {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = box.current;
    const before = dialog && focusedIn(dialog);
    dialog?.showModal();
    return () => {
      dialog?.close();
      before?.focus();
    };
  }, []);
  return box;
}

/** Something small beside what opened it; a press elsewhere or another size closes it. */
export function usePopover(
  anchor: HTMLElement | null,
  close: (isFocusToReturn: boolean) => void,
): RefObject<HTMLDivElement | null> {
  const box = useRef<HTMLDivElement>(null);
  const closing = useRef(close);
  closing.current = close;

  useLayoutEffect(() => {
    const shown = box.current;
    if (!shown || !anchor) return;
    // In the browser's top layer, where no scrolling part cuts it off.
    shown.showPopover();
    place(shown, anchor);
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

  return box;
}

/** What has the focus, within the same shadow root. */
export function focusedIn(near: Node): HTMLElement | null {
  const root = near.getRootNode();
  if (!(root instanceof ShadowRoot || root instanceof Document)) return null;
  return root.activeElement instanceof HTMLElement ? root.activeElement : null;
}

/** Below the button or above it, at its end edge, and always whole in the window. */
function place(list: HTMLElement, button: HTMLElement): void {
  const from = button.getBoundingClientRect();
  const size = list.getBoundingClientRect();
  const gap = 4;
  const margin = 8;
  const isRtl = getComputedStyle(button).direction === "rtl";
  const isAtStart = from.left + from.width / 2 < innerWidth / 2;
  const left =
    isAtStart || (isRtl && from.right < size.width) ? from.left : from.right - size.width;
  const below = from.bottom + gap;
  const isBelow = below + size.height <= innerHeight - margin;
  const top = isBelow ? below : from.top - gap - size.height;
  list.style.left = `${Math.max(margin, Math.min(left, innerWidth - size.width - margin))}px`;
  list.style.top = `${Math.max(margin, Math.min(top, innerHeight - size.height - margin))}px`;
}
