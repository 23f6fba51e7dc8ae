import type { Conversation, Message } from "./generated/contract.js";
import type { Progress } from "./types.js";

/**
 * How far a message has come: the least of all who were to receive it.
 *
 * Of large groups only some people are shown; there nothing more than `sent` can be told.
 */
export function progressOf(message: Message, conversation: Conversation, me: string): Progress {
  const others = conversation.participants.filter((each) => each.user_id !== me);
  const areAllShown = conversation.participants.length >= conversation.participant_count;
  if (others.length === 0 || !areAllShown) return "sent";
  if (others.every((each) => each.read_seq >= message.seq)) return "read";
  return others.every((each) => each.delivered_seq >= message.seq) ? "delivered" : "sent";
}
