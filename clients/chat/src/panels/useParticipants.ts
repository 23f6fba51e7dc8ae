import type { Conversation } from "@callboard/client";
import { useCallback, useMemo, useState } from "preact/hooks";
import { useSession } from "../session.js";

type Participant = Conversation["participants"][number];

interface Participants {
  people: readonly Participant[];
  hasMore: boolean;
  /** Fetch those that the conversation itself does not name; throws what the server says. */
  more: () => Promise<void>;
}

/** Who takes part: those whom the conversation names, and page by page all others. */
export function useParticipants(conversation: Conversation): Participants {
  const { client } = useSession();
  const [pages, setPages] = useState<{
    people: readonly Participant[];
    next: string | null;
    isDone: boolean;
  }>({ people: [], next: null, isDone: false });
  const { id, participants: named, participant_count: count } = conversation;
  const people = useMemo(() => {
    const known = new Set(named.map((each) => each.user_id));
    return [...named, ...pages.people.filter((each) => !known.has(each.user_id))];
  }, [named, pages.people]);
  const { next } = pages;
  const more = useCallback(async () => {
    const page = await client.call("GET /v1/conversations/{conversation_id}/participants", {
      path: { conversation_id: id },
      query: next === null ? {} : { next },
    });
    setPages((now) => ({
      people: [...now.people, ...page.items],
      next: page.next,
      isDone: page.next === null,
    }));
  }, [client, id, next]);
  return { people, hasMore: people.length < count && !pages.isDone, more };
}
