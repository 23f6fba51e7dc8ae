import type { Message, ThreadState } from "@callboard/client";
import { useEffect, useState } from "preact/hooks";
import { useSession } from "../../session.js";

/** The message that a draft answers; fetched where it is not in view any more. */
export function useReplied(
  conversationId: string,
  state: ThreadState,
  seq: number | null,
): Message | null {
  const { client } = useSession();
  const [kept, setKept] = useState<Message | null>(null);
  const shown = state.messages.find((each) => each.seq === seq) ?? null;
  const isKnown = seq === null || shown !== null || kept?.seq === seq;

  useEffect(() => {
    if (shown !== null) setKept(shown);
  }, [shown]);

  useEffect(() => {
    if (isKnown || !state.isLoaded || seq === null) return;
    const ending = new AbortController();
    client
      .call("GET /v1/conversations/{conversation_id}/messages", {
        path: { conversation_id: conversationId },
        query: { after: seq - 1, limit: 1 },
        signal: ending.signal,
      })
      .then(({ items }) => setKept(items.find((each) => each.seq === seq) ?? null))
      // Then it is sent as a message of its own, and its bar is not shown.
      .catch(() => undefined);
    return () => ending.abort();
  }, [isKnown, seq, state.isLoaded, client, conversationId]);

  const message = shown ?? (kept?.seq === seq ? kept : null);
  return message?.deleted_at === null ? message : null;
}
