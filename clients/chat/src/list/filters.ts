import type { Conversation } from "@callboard/client";

export const FILTERS = ["all", "unread", "gigs", "archived"] as const;
export type Filter = (typeof FILTERS)[number];

/** Whether a conversation is among those that a filter shows; archived ones only by their own. */
export function isShown(conversation: Conversation, filter: Filter): boolean {
  const isArchived = conversation.status === "archived";
  if (filter === "archived") return isArchived;
  if (isArchived) return false;
  if (filter === "unread") return conversation.unread > 0;
  return filter === "all" || conversation.kind === "gig";
}
