import type { Thread, ThreadState } from "@callboard/client";
import type { RefObject } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Place, type Spot } from "./place.js";

/** Where to put the view once what it is to show is there. */
interface Wish {
  seq: number;
  /** So far below the top of the view, or at this part of the free height. */
  at: { offset: number } | { part: number };
  isLit: boolean;
}

export interface Scrolling {
  scroller: RefObject<HTMLDivElement | null>;
  list: RefObject<HTMLOListElement | null>;
  isAtEnd: boolean;
  /** The message that was jumped to a moment ago. */
  litSeq: number | null;
  /** Show a message, and light it up; rejects where it cannot be had. */
  jump(seq: number): Promise<void>;
  /** Show a message where it was, or quietly in the upper part of the view. */
  restore(seq: number, at: Wish["at"]): Promise<void>;
  toNewest(): Promise<void>;
  /** Load once more what could not be loaded. */
  retry(): void;
  /** Hear where the reader is after everything that moved them or the list. */
  onScroll(): void;
  where(): Spot | null;
}

type Direction = "older" | "newer";

/** More is loaded when no more than this is left, or one view where that is less. */
const AHEAD_PX = 800;
const LIT_MS = 2200;
/** So many messages are drawn at once: those of a whole page take longer than a frame may. */
const STEP = 8;

/**
 * Scrolls a list over a thread's window, both ways, and keeps the reader's place.
 *
 * `settled` is called whenever view or list have come to rest in a new way.
 */
export function useScrolling(
  thread: Thread,
  state: ThreadState,
  settled: (place: Place) => void,
): Scrolling {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const place = useRef<Place | null>(null);
  const isBusy = useRef(false);
  const last = useRef<Direction>("older");
  const [isAtEnd, setAtEnd] = useState(true);
  const [wish, setWish] = useState<Wish | null>(null);
  const [litSeq, setLitSeq] = useState<number | null>(null);

  // Drawing changes the list: where is the reader just before?
  place.current?.note();

  const load = async (direction: Direction): Promise<void> => {
    if (isBusy.current) return;
    isBusy.current = true;
    last.current = direction;
    const before = thread.get().messages;
    try {
      await thread[direction](STEP);
    } finally {
      isBusy.current = false;
    }
    // One page may not be enough for a high view.
    if (thread.get().messages !== before) requestAnimationFrame(() => settle.current());
  };

  const settle = useRef(() => {});
  settle.current = () => {
    const now = place.current;
    const height = scroller.current?.clientHeight ?? 0;
    if (now === null || height === 0 || !state.isLoaded) return;
    setAtEnd(now.isFollowing);
    settled(now);
    if (state.problem !== null || wish !== null) return;
    const ahead = Math.min(height, AHEAD_PX);
    if (state.hasOlder && now.abovePx < ahead) void load("older");
    else if (state.hasNewer && now.belowPx < ahead) void load("newer");
  };

  useLayoutEffect(() => {
    if (scroller.current === null || list.current === null) return;
    place.current ??= new Place(scroller.current, list.current);
    place.current.isEndShown = !state.hasNewer;
    place.current.keep();
    if (wish !== null && state.isLoaded) {
      const row = rowOf(list.current, wish.seq);
      if (row !== null && "part" in wish.at) place.current.show(row, wish.at.part);
      else if (row !== null && "offset" in wish.at) place.current.showAt(row, wish.at.offset);
      if (row !== null && wish.isLit) {
        setLitSeq(wish.seq);
        row.focus({ preventScroll: true });
      }
      setWish(null);
    }
    settle.current();
  });

  useEffect(() => {
    const observed = [scroller.current, list.current];
    // Between layout and painting, so that nobody sees the step.
    const watcher = new ResizeObserver(() => {
      place.current?.keep();
      settle.current();
    });
    for (const element of observed) if (element !== null) watcher.observe(element);
    return () => watcher.disconnect();
  }, []);

  useEffect(() => {
    if (litSeq === null) return;
    const timer = setTimeout(() => setLitSeq(null), LIT_MS);
    return () => clearTimeout(timer);
  }, [litSeq]);

  const restore = useCallback(
    async (seq: number, at: Wish["at"], isLit = false): Promise<void> => {
      if (!thread.get().messages.some((message) => message.seq === seq)) {
        isBusy.current = true;
        try {
          await thread.jumpTo(seq);
        } finally {
          isBusy.current = false;
        }
        const { problem } = thread.get();
        if (problem !== null) throw problem;
      }
      setLitSeq(null);
      setWish({ seq, at, isLit });
    },
    [thread],
  );
  const jump = useCallback((seq: number) => restore(seq, { part: 0.35 }, true), [restore]);
  const toNewest = useCallback(async () => {
    if (thread.get().hasNewer) {
      isBusy.current = true;
      try {
        await thread.jumpToLatest();
      } finally {
        isBusy.current = false;
      }
    }
    if (place.current !== null) place.current.isEndShown = true;
    place.current?.toEnd();
    setAtEnd(true);
  }, [thread]);

  const onScroll = useCallback(() => {
    place.current?.note();
    settle.current();
  }, []);
  const where = useCallback(() => place.current?.spot ?? null, []);

  return {
    scroller,
    list,
    isAtEnd,
    litSeq,
    jump,
    restore,
    toNewest,
    retry: () => void (state.isLoaded ? load(last.current) : thread.load()),
    onScroll,
    where,
  };
}

/** The row of a message, or of the next one that is there. */
function rowOf(list: HTMLElement, seq: number): HTMLElement | null {
  const rows = [...list.querySelectorAll<HTMLElement>("[data-seq]")];
  return rows.find((row) => Number(row.dataset.seq) >= seq) ?? rows.at(-1) ?? null;
}
