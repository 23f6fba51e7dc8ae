import type { Conversation } from "@callboard/client";
import { usePeople } from "@callboard/client/react";
import { useGig } from "../panels/gig.js";
import { useSession } from "../session.js";
import { nameOf } from "../ui/people.js";

// More names than these tell nobody which group it is.
const NAMED = 4;

/** The other of two people; null where there are not two. */
export function otherOf(conversation: Conversation, me: string): string | null {
  if (conversation.kind !== "direct") return null;
  return conversation.participants.find((each) => each.user_id !== me)?.user_id ?? null;
}

/** What a conversation is called: the other's name, its title, or who takes part. */
export function useTitle(conversation: Conversation): string {
  const { me, t, locale } = useSession();
  const others = conversation.participants.filter((each) => each.user_id !== me);
  const ids = conversation.title === null ? others.slice(0, NAMED).map((each) => each.user_id) : [];
  const people = usePeople(ids);
  const gig = useGig(conversation.kind === "gig" ? conversation.gig_id : null);
  if (gig) return gig.title;
  if (conversation.title !== null) return conversation.title;
  if (conversation.kind === "assistant") return t("list.assistant");
  const names = ids.map((id) => nameOf(people.get(id), t));
  if (names.length === 0) return t("list.alone");
  return new Intl.ListFormat(locale, { style: "narrow" }).format(names);
}
