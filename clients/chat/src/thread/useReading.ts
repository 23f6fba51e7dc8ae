import type { Thread, ThreadState } from "@callboard/client";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Place } from "./place.js";

export interface Reading {
  /** The new-messages line goes after this `seq`. */
  newAfter: number | null;
  /** Tell what the reader has before their eyes. */
  see(place: Place): void;
  /** Begin: from now on, what is seen counts as read. */
  begin(): void;
  /** Whoever writes has seen what is new. */
  clear(): void;
}

/**
 * What has been read, and where what is new begins.
 *
 * A message counts as read when it has really been in view while the window had the focus.
 */
export function useReading(thread: Thread, state: ThreadState, me: string): Reading {
  const [newAfter, setNewAfter] = useState<number | null>(null);
  const hasBegun = useRef(false);
  const readUpTo = useRef(0);
  const newest = useRef(0);
  const last = state.hasNewer ? undefined : state.messages.at(-1);

  useEffect(() => {
    if (last === undefined) return;
    const before = newest.current;
    newest.current = Math.max(before, last.seq);
    if (!hasBegun.current || last.seq <= before || last.sender_id === me || isLooking()) return;
    // Whatever comes while one looks elsewhere begins below a line, once.
    setNewAfter((now) => (now === null || now < readUpTo.current ? before : now));
  }, [last, me]);

  const see = useCallback(
    (place: Place) => {
      if (!hasBegun.current || !isLooking()) return;
      const seq = place.seenUpTo();
      if (seq === null || seq <= readUpTo.current) return;
      readUpTo.current = seq;
      thread.read(seq);
    },
    [thread],
  );

  const begin = useCallback(() => {
    if (hasBegun.current) return;
    hasBegun.current = true;
    const { readWhenOpened, conversation, messages } = thread.get();
    newest.current = Math.max(messages.at(-1)?.seq ?? 0, conversation?.last_seq ?? 0);
    if (readWhenOpened !== null && (conversation?.unread ?? 0) > 0) setNewAfter(readWhenOpened);
  }, [thread]);

  const clear = useCallback(() => setNewAfter(null), []);
  return { newAfter, see, begin, clear };
}

/** Whether somebody may be looking: the window is in sight and has the focus. */
export function isLooking(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}
