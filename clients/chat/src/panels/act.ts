import { Problem } from "@callboard/client";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useSession } from "../session.js";
import { problemText } from "../ui/problem.js";
import { useNotify } from "../ui/Toast.js";

/** Do something that the server may refuse; tells whether it was done. */
export type Act = (work: () => Promise<unknown>, done?: string) => Promise<boolean>;

/**
 * What does things and says how they went: `done` where it was, plain words where it was not.
 *
 * One thing at a time: what is asked for meanwhile comes after. What must not be done twice
 * is disabled while `isBusy`.
 */
export function useAct(): { act: Act; isBusy: boolean } {
  const { t } = useSession();
  const notify = useNotify();
  const [waiting, setWaiting] = useState(0);
  const last = useRef<Promise<unknown>>(Promise.resolve());
  const act = useCallback<Act>(
    (work, done) => {
      const run = async (): Promise<boolean> => {
        try {
          await work();
          if (done) notify(done);
          return true;
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          notify(t("panel.refused", { reason: problemText(error, t) }));
          return false;
        } finally {
          setWaiting((count) => count - 1);
        }
      };
      setWaiting((count) => count + 1);
      // However the one before went, it told itself.
      const turn = last.current.then(run, run);
      last.current = turn;
      return turn;
    },
    [notify, t],
  );
  return { act, isBusy: waiting > 0 };
}

/** What was fetched, or why it could not be. */
export interface Fetched<T> {
  value: T | null;
  problem: Problem | null;
  /** Fetch it again. */
  again: () => void;
  /** Put something newer in its place. */
  set: (value: T) => void;
}

/**
 * Something that is fetched when a part is shown, and again when `key` changes.
 *
 * `fetch` is given a signal that ends with the part; what a former one answers is dropped.
 */
export function useFetched<T>(key: string, fetch: (signal: AbortSignal) => Promise<T>): Fetched<T> {
  const [state, setState] = useState<{ value: T | null; problem: Problem | null }>({
    value: null,
    problem: null,
  });
  const [turn, setTurn] = useState(0);
  const latest = useRef(fetch);
  latest.current = fetch;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the question
  useEffect(() => {
    const ending = new AbortController();
    setState((now) => ({ ...now, problem: null }));
    latest.current(ending.signal).then(
      (value) => !ending.signal.aborted && setState({ value, problem: null }),
      (error: unknown) => {
        if (ending.signal.aborted) return;
        setState((now) => ({ ...now, problem: Problem.of(error) }));
      },
    );
    return () => ending.abort();
  }, [key, turn]);
  const again = useCallback(() => setTurn((now) => now + 1), []);
  const set = useCallback((value: T) => setState({ value, problem: null }), []);
  return { ...state, again, set };
}
