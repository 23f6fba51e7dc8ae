import type { CallboardProblem, FoundMessage } from "@callboard/client";
import { Problem } from "@callboard/client";
import { useCallback, useEffect, useState } from "preact/hooks";
import { useSession } from "../session.js";

// Long enough for a word to be typed on, short enough not to be noticed.
const PAUSE_MS = 250;

export interface Search {
  /** What was found; null before anything was looked for. */
  items: readonly FoundMessage[] | null;
  hasMore: boolean;
  isLoading: boolean;
  problem: CallboardProblem | null;
  more: () => void;
  again: () => void;
}

interface State {
  items: readonly FoundMessage[] | null;
  next: string | null;
  isLoading: boolean;
  problem: CallboardProblem | null;
}

/** Which page of which question. */
interface Wanted {
  key: string;
  next: string | null;
  turn: number;
}

const NOTHING: State = { items: null, next: null, isLoading: false, problem: null };

/**
 * Look for what is typed, in one conversation or in all.
 *
 * It waits until one stops typing, and gives the former question up; what that has found
 * stays until the new answer is there.
 */
export function useSearch(typed: string, conversationId: string | null): Search {
  const { client } = useSession();
  const [state, setState] = useState(NOTHING);
  const q = typed.trim();
  const key = `${conversationId} ${q}`;
  const [wanted, setWanted] = useState<Wanted>({ key, next: null, turn: 0 });
  // Another question begins anew.
  const next = wanted.key === key ? wanted.next : null;
  const { turn } = wanted;

  // biome-ignore lint/correctness/useExhaustiveDependencies: each turn asks again
  useEffect(() => {
    if (q === "") {
      setState(NOTHING);
      return;
    }
    const ending = new AbortController();
    const look = (): void => {
      const options = {
        ...(conversationId === null ? {} : { conversationId }),
        ...(next === null ? {} : { next }),
        signal: ending.signal,
      };
      client.search(q, options).then(
        (page) => {
          if (ending.signal.aborted) return;
          setState((now) => ({
            items: next === null ? page.items : [...(now.items ?? []), ...page.items],
            next: page.next,
            isLoading: false,
            problem: null,
          }));
        },
        (error: unknown) => {
          if (ending.signal.aborted) return;
          setState((now) => ({ ...now, isLoading: false, problem: Problem.of(error) }));
        },
      );
    };
    setState((now) => ({ ...now, isLoading: true, problem: null }));
    const timer = setTimeout(look, next === null ? PAUSE_MS : 0);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [client, q, conversationId, next, turn]);

  const ask = useCallback(
    (from: string | null) => setWanted((now) => ({ key, next: from, turn: now.turn + 1 })),
    [key],
  );
  return {
    items: state.items,
    hasMore: state.next !== null,
    isLoading: state.isLoading,
    problem: state.problem,
    more: () => ask(state.next),
    again: () => ask(next),
  };
}
