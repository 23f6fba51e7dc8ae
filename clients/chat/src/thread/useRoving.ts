import type { RefObject } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** Held so long, a message shows what one can do with it. */
const LONG_PRESS_MS = 500;
const STILL_PX = 10;

export interface Roving {
  /** The row that has, or would get, the focus. */
  current: string | null;
  /** The rows whose toolbars are shown: pointed at, focused, or with something open. */
  active: readonly (string | null)[];
  /** The row whose menu is to open. */
  menu: string | null;
  hold: (isHeld: boolean) => void;
  handlers: {
    onKeyDown: (event: KeyboardEvent) => void;
    onFocusIn: (event: FocusEvent) => void;
    onFocusOut: (event: FocusEvent) => void;
    onPointerOver: (event: PointerEvent) => void;
    onPointerLeave: () => void;
    onPointerDown: (event: PointerEvent) => void;
    onPointerMove: (event: PointerEvent) => void;
    onPointerUp: () => void;
    onPointerCancel: () => void;
    onContextMenu: (event: MouseEvent) => void;
  };
}

interface RovingOptions {
  list: RefObject<HTMLOListElement | null>;
  /** The row that gets the focus first. */
  last: string | null;
  /** End was pressed on the last row: there may be newer ones. */
  onEnd: () => void;
  /** Escape: back to writing. */
  onLeave: () => void;
}

/**
 * One stop for Tab in the whole list; arrows, Home and End move between its rows.
 *
 * Enter, or a long press, opens a row's menu.
 */
export function useRoving({ list, last, onEnd, onLeave }: RovingOptions): Roving {
  const [chosen, setChosen] = useState<string | null>(null);
  const [pointed, setPointed] = useState<string | null>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const [kept, setKept] = useState<string | null>(null);
  const [menu, setMenu] = useState<string | null>(null);
  const press = useRef<{ timer: ReturnType<typeof setTimeout>; x: number; y: number } | null>(null);

  const rows = (): HTMLElement[] => [
    ...(list.current?.querySelectorAll<HTMLElement>("[data-key]") ?? []),
  ];
  // Rows go when the window moves on: then Tab finds the newest again.
  const isThere = chosen !== null && rows().some((row) => row.dataset.key === chosen);
  const current = isThere ? chosen : last;
  const active = kept === null ? [pointed, focused] : [kept];

  const endPress = useCallback((): void => {
    if (press.current !== null) clearTimeout(press.current.timer);
    press.current = null;
  }, []);
  useEffect(() => endPress, [endPress]);

  const isOpened = useRef(false);
  const open = (key: string | null): void => {
    if (key === null) return;
    isOpened.current = true;
    setPointed(key);
    setMenu(key);
  };

  const held = useRef<string | null>(null);
  held.current = pointed ?? focused;
  const hold = useCallback((isHeld: boolean) => {
    setKept(isHeld ? held.current : null);
    if (isHeld) return;
    setMenu(null);
    // Nobody points at what a key or a long press has opened.
    if (isOpened.current) setPointed(null);
    isOpened.current = false;
  }, []);

  const onKeyDown = (event: KeyboardEvent): void => {
    const row = event.target;
    if (!(row instanceof HTMLElement) || row.dataset.key === undefined) {
      // Within a message, Escape goes back to its row.
      if (event.key === "Escape" && row instanceof HTMLElement) {
        row.closest<HTMLElement>("[data-key]")?.focus();
      }
      return;
    }
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter") open(row.dataset.key);
    else if (event.key === "Escape") onLeave();
    else {
      const all = rows();
      const next = stepTo(all, all.indexOf(row), event.key);
      if (next === null) return;
      if (event.key === "End") onEnd();
      next.focus({ preventScroll: true });
      next.scrollIntoView({ block: "nearest" });
    }
    event.preventDefault();
  };

  return {
    current,
    active,
    menu,
    hold,
    handlers: {
      onKeyDown,
      onFocusIn: (event) => {
        const key = keyOf(event.target);
        setChosen(key);
        setFocused(key);
      },
      // On its way into the row's toolbar the focus does not leave the row.
      onFocusOut: (event) => setFocused(keyOf(event.relatedTarget)),
      onPointerOver: (event) => {
        if (event.pointerType === "mouse") setPointed(keyOf(event.target));
      },
      onPointerLeave: () => setPointed(null),
      onPointerDown: (event) => {
        if (event.pointerType === "mouse") return;
        const key = keyOf(event.target);
        const timer = setTimeout(() => open(key), LONG_PRESS_MS);
        press.current = { timer, x: event.clientX, y: event.clientY };
      },
      onPointerMove: ({ clientX, clientY }) => {
        const from = press.current;
        if (from && Math.hypot(clientX - from.x, clientY - from.y) > STILL_PX) endPress();
      },
      onPointerUp: endPress,
      onPointerCancel: endPress,
      onContextMenu: (event) => {
        // On a touch screen it comes with the long press, which has its own menu.
        if (press.current !== null) event.preventDefault();
      },
    },
  };
}

function keyOf(target: EventTarget | null): string | null {
  const row = target instanceof Element ? target.closest<HTMLElement>("[data-key]") : null;
  return row?.dataset.key ?? null;
}

function stepTo(rows: readonly HTMLElement[], at: number, key: string): HTMLElement | null {
  switch (key) {
    case "ArrowUp":
      return rows[Math.max(0, at - 1)] ?? null;
    case "ArrowDown":
      return rows[Math.min(rows.length - 1, at + 1)] ?? null;
    case "Home":
      return rows[0] ?? null;
    case "End":
      return rows.at(-1) ?? null;
    default:
      return null;
  }
}
