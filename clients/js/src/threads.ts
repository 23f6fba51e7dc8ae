import type { ConversationStore } from "./conversations.js";
import { ThreadStore } from "./thread.js";
import type { Told } from "./types.js";
import type { Wire } from "./wire.js";

// So many threads keep their messages after one has looked at them.
const KEPT = 20;

/**
 * The threads that are asked for, each once, and told what concerns them.
 *
 * Call it after the conversations were made, which hear of everything first.
 */
export function threadsOf(
  wire: Wire,
  conversations: ConversationStore,
  windowSize?: number,
): (conversationId: string) => ThreadStore {
  const threads = new Map<string, ThreadStore>();
  wire.on((event) => threads.get(conversationOf(event))?.hear(event));
  wire.onOnline(async (isAnew) => {
    await Promise.all([...threads.values()].map((each) => each.refresh(isAnew)));
  });
  conversations.onChange((id, _before, after) => threads.get(id)?.follow(after));
  const showAll = () => {
    for (const thread of threads.values()) thread.show();
  };
  conversations.typists.subscribe(showAll);
  wire.outbox.subscribe(showAll);
  return (id) => {
    const thread = threads.get(id) ?? new ThreadStore(id, wire, conversations, windowSize);
    // The last one asked for is the last to be forgotten.
    threads.delete(id);
    threads.set(id, thread);
    for (const each of [...threads.values()].slice(0, -KEPT)) each.unload();
    return thread;
  };
}

function conversationOf({ data }: Told): string {
  if ("message" in data) return data.message.conversation_id;
  return "conversation_id" in data ? data.conversation_id : "";
}
