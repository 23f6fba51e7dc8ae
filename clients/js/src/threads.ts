import type { ConversationStore } from "./conversations.js";
import { ThreadStore } from "./thread.js";
import type { Told } from "./types.js";
import type { Wire } from "./wire.js";

// So many threads keep their messages after one has looked at them.
const KEPT = 20;

/** The threads that were asked for, each once, and what each is told. */
export class Threads {
  readonly #wire: Wire;
  readonly #conversations: ConversationStore;
  readonly #windowSize: number | undefined;
  readonly #threads = new Map<string, ThreadStore>();

  /** Make it after the conversations, which hear of everything first. */
  constructor(wire: Wire, conversations: ConversationStore, windowSize?: number) {
    this.#wire = wire;
    this.#conversations = conversations;
    this.#windowSize = windowSize;
    wire.on((event) => this.#threads.get(conversationOf(event))?.hear(event));
    wire.onOnline(async (isAnew) => {
      await Promise.all([...this.#threads.values()].map((each) => each.refresh(isAnew)));
    });
    conversations.onChange((id, _before, after) => this.#threads.get(id)?.follow(after));
    const showAll = () => {
      for (const thread of this.#threads.values()) thread.show();
    };
    conversations.typists.subscribe(showAll);
    wire.outbox.subscribe(showAll);
  }

  get(conversationId: string): ThreadStore {
    const thread =
      this.#threads.get(conversationId) ??
      new ThreadStore(conversationId, this.#wire, this.#conversations, this.#windowSize);
    // The last one asked for is the last to be forgotten.
    this.#threads.delete(conversationId);
    this.#threads.set(conversationId, thread);
    const old = [...this.#threads.values()].slice(0, -KEPT);
    for (const each of old) each.unload();
    return thread;
  }
}

function conversationOf({ data }: Told): string {
  if ("message" in data) return data.message.conversation_id;
  return "conversation_id" in data ? data.conversation_id : "";
}
