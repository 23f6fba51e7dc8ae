import type { Profile, ThreadState } from "@callboard/client";
import { usePeople } from "@callboard/client/react";
import { useMemo, useState } from "preact/hooks";
import { useSession } from "../../session.js";
import { type Asked, askedAt, offersFor, withMention } from "./mentions.js";

export interface Mentions {
  offers: readonly Profile[];
  /** The index of the one that Enter takes. */
  chosen: number;
  choose: (index: number) => void;
  /** Look at what stands before the caret. */
  look: (text: string, caret: number) => void;
  close: () => void;
  /** The text with this person in it, and where the caret goes. */
  take: (index: number) => [string, number] | null;
  /** Whether a key was meant for the list. */
  hear: (event: KeyboardEvent) => "taken" | "moved" | "closed" | null;
}

/** Completes `@handles` of those who take part. */
export function useMentions(state: ThreadState, text: string): Mentions {
  const { me } = useSession();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [chosen, setChosen] = useState(0);
  const ids = useMemo(
    () =>
      (state.conversation?.participants ?? [])
        .map((each) => each.user_id)
        .filter((each) => each !== me),
    [state.conversation, me],
  );
  const people = usePeople(ids);
  const offers = useMemo(() => {
    if (asked === null) return [];
    const known = [...people.values()].filter((each) => each !== null);
    return offersFor(asked.query, known);
  }, [asked, people]);

  const close = (): void => setAsked(null);
  const hear = (event: KeyboardEvent): ReturnType<Mentions["hear"]> => {
    if (offers.length === 0) return null;
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined) {
      setChosen((now) => (now + step + offers.length) % offers.length);
      return "moved";
    }
    if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") return "taken";
    if (event.key === "Escape") {
      close();
      return "closed";
    }
    return null;
  };

  return {
    offers,
    chosen: Math.min(chosen, Math.max(0, offers.length - 1)),
    choose: setChosen,
    look: (value, caret) => {
      const next = askedAt(value, caret);
      if (next?.from !== asked?.from || next?.query !== asked?.query) setChosen(0);
      setAsked(next);
    },
    close,
    take: (index) => {
      const handle = offers[index]?.handle;
      if (asked === null || !handle) return null;
      close();
      return withMention(text, asked, handle);
    },
    hear,
  };
}
