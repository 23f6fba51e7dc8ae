import type { Conversation } from "@callboard/client";
import { Cell, type Store } from "@callboard/client";
import { usePeople, useStore } from "@callboard/client/react";
import { useMemo } from "preact/hooks";
import { useSession } from "../session.js";
import type { IconName } from "../ui/Icon.js";
import { nameOf } from "../ui/people.js";
import { type Gig, useGig } from "./gig.js";

const NOWHERE: Store<{ conversation: Conversation | null }> = new Cell({ conversation: null });

/** A conversation as it changes; null where there is none, or not yet. */
export function useConversation(conversationId: string | null): Conversation | null {
  const { client } = useSession();
  const thread = useMemo<Store<{ conversation: Conversation | null }>>(
    () => (conversationId === null ? NOWHERE : client.thread(conversationId)),
    [client, conversationId],
  );
  const shown = useStore(thread, (state) => state.conversation);
  const listed = useStore(
    client.conversations,
    (list) => list.items.find((each) => each.id === conversationId) ?? null,
  );
  return listed ?? shown;
}

/** Those in it besides oneself, as far as the server names them. */
export function othersOf(conversation: Conversation | null, me: string): string[] {
  const people = conversation?.participants.map((part) => part.user_id) ?? [];
  return people.filter((id) => id !== me);
}

/** What a conversation is called, and by whose face it is known. */
export interface Heading {
  title: string;
  /** With whom, where the title does not say it. */
  names: string;
  /** The one other person, where there is one. */
  other: string | null;
  icon: IconName | null;
  gig: Gig | null;
}

// More names than this are a number.
const NAMED = 3;

/** The title of a conversation: the other's name, the gig, the group, or who is in it. */
export function useHeading(conversation: Conversation | null): Heading {
  const { t, me, locale } = useSession();
  const others = othersOf(conversation, me);
  const people = usePeople(others.slice(0, NAMED));
  const gig = useGig(conversation?.gig_id ?? null) ?? null;
  const known = others.slice(0, NAMED).map((id) => nameOf(people.get(id), t));
  const names = new Intl.ListFormat(locale, { type: "conjunction" }).format(known);
  const kind = conversation?.kind ?? "direct";
  const isTwo = others.length === 1 && (conversation?.participant_count ?? 2) <= 2;
  const own = kind === "gig" ? (gig?.title ?? conversation?.title) : conversation?.title;
  const plain = kind === "group" ? t("head.group") : t("head.conversation");
  return {
    title: conversation === null ? "…" : own || names || plain,
    names: own ? names : "",
    other: isTwo ? (others[0] ?? null) : null,
    icon: kind === "gig" ? "briefcase" : kind === "group" ? "people" : null,
    gig,
  };
}
