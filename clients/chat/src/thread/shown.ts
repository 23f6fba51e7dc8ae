import type { Attachment, Message, Pending } from "@callboard/client";
import { attachmentsOf } from "./attachments.js";
import { quoteOf } from "./Quote.js";

/** A message as its row draws it, acknowledged or still on its way. */
export interface Shown {
  key: string;
  senderId: string | null;
  at: string;
  said: Pick<Message, "body" | "mentions">;
  attachments: readonly Attachment[];
  /** Undefined where it answers nothing; null where one is not shown what it answers. */
  quote: Message["reply_to"] | undefined;
  /** Null while it is on its way. */
  message: Message | null;
  pending: Pending | null;
}

export function shownOf(message: Message, key: string): Shown {
  return {
    key,
    senderId: message.sender_id,
    at: message.sent_at,
    said: message,
    attachments: attachmentsOf(message),
    quote: message.reply_to_id === null ? undefined : message.reply_to,
    message,
    pending: null,
  };
}

export function shownOfPending(pending: Pending, me: string): Shown {
  const { draft, clientId, at } = pending;
  return {
    key: clientId,
    senderId: me,
    at,
    said: { body: draft.body, mentions: [] },
    attachments: draft.attachments ?? [],
    quote: draft.replyTo ? quoteOf(draft.replyTo) : undefined,
    message: null,
    pending,
  };
}
