import type { CallboardProblem } from "@callboard/client";
import { Problem } from "@callboard/client";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useSession } from "../session.js";
import { problemText } from "../ui/problem.js";
import { useNotify } from "../ui/Toast.js";

/** Settings that are saved as they are changed. */
export interface Saved<T, C> {
  /** As they are shown: with what is being saved; null until they are there. */
  value: T | null;
  problem: CallboardProblem | null;
  again: () => void;
  /** How the last change went. */
  state: "still" | "saving" | "saved";
  /** Change something: shown at once, and put back where the server refuses. */
  save: (change: C, preview: (now: T) => T) => void;
}

interface Change<T, C> {
  change: C;
  preview: (now: T) => T;
}

/**
 * Settings of the server, fetched once and saved change by change, in order.
 *
 * Several changes may be on their way: what is shown is what the server said last, with all
 * of them upon it. One that is refused is taken out, and said.
 */
export function useSaved<T, C>(
  load: () => Promise<T>,
  put: (change: C) => Promise<T>,
): Saved<T, C> {
  const { t } = useSession();
  const notify = useNotify();
  const [confirmed, setConfirmed] = useState<T | null>(null);
  const [waiting, setWaiting] = useState<readonly Change<T, C>[]>([]);
  const [problem, setProblem] = useState<CallboardProblem | null>(null);
  const [hasSaved, setSaved] = useState(false);
  const [turn, setTurn] = useState(0);
  const calls = useRef({ load, put });
  calls.current = { load, put };

  // biome-ignore lint/correctness/useExhaustiveDependencies: each turn asks again
  useEffect(() => {
    let isOver = false;
    setProblem(null);
    calls.current.load().then(
      (value) => !isOver && setConfirmed(value),
      (error: unknown) => !isOver && setProblem(Problem.of(error)),
    );
    return () => {
      isOver = true;
    };
  }, [turn]);

  const first = waiting[0];
  useEffect(() => {
    if (first === undefined) return;
    setSaved(false);
    calls.current
      .put(first.change)
      .then(
        (value) => {
          setConfirmed(value);
          setSaved(true);
        },
        (error: unknown) => {
          const reason = problemText(Problem.of(error), t);
          notify(t("prefs.put.back", { reason }));
        },
      )
      .finally(() => setWaiting((now) => now.slice(1)));
  }, [first, notify, t]);

  const save = useCallback((change: C, preview: (now: T) => T) => {
    setWaiting((now) => [...now, { change, preview }]);
  }, []);
  let shown = confirmed;
  if (shown !== null) for (const each of waiting) shown = each.preview(shown);
  return {
    value: shown,
    problem,
    again: () => setTurn((now) => now + 1),
    state: waiting.length > 0 ? "saving" : hasSaved ? "saved" : "still",
    save,
  };
}
