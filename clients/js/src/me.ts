import type { ConversationStore } from "./conversations.js";
import type { Conversation } from "./generated/contract.js";
import { Cell } from "./store.js";
import type { Me, Told, Unread } from "./types.js";
import type { Wire } from "./wire.js";

const NOTHING: Unread = { conversations: 0, messages: 0, notifications: 0 };
// What cannot be reckoned here is asked for, once for all that happens meanwhile.
const GATHER_MS = 1000;

/**
 * Who one is, and what waits over all conversations, whether they are in the list or not.
 *
 * The totals of a greeting are moved on by what happens; notifications are counted by the
 * inbox.
 */
export class Myself {
  readonly me = new Cell<Me | null>(null);
  readonly unread = new Cell<Unread>(NOTHING);
  readonly #wire: Wire;
  // Totals that hold as soon as all that was missed has been told.
  #atCursor: Unread | null = null;
  #moves = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(wire: Wire, conversations: ConversationStore) {
    this.#wire = wire;
    wire.on((event) => this.#hear(event, conversations));
    conversations.onChange((_, before, after, isFetched) => {
      // Fetched: whether the totals knew of it already, only the server can tell.
      if (!isFetched) this.#move(before, after);
      else if (before !== null && waits(before) !== waits(after)) this.#ask();
    });
    wire.onOnline(async (isAnew) => {
      // What one has read meanwhile, the greeting's totals do not know.
      if (conversations.receipts.isDue) this.#ask();
      if (isAnew || this.me.get() === null) await this.#fetch();
    });
  }

  /** Take what the server says that waits. */
  set(unread: Partial<Unread>): void {
    this.unread.update((before) => {
      const after = { ...before, ...unread };
      const isSame = JSON.stringify(before) === JSON.stringify(after);
      return isSame ? before : after;
    });
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #hear({ type, data }: Told, conversations: ConversationStore): void {
    if (type === "hello") {
      if (data.resumed === true) this.#atCursor = data.unread;
      else this.set(data.unread);
    } else if (type === "cursor" && this.#atCursor !== null) {
      this.set(this.#atCursor);
      this.#atCursor = null;
    } else if (type === "message.created") {
      const { conversation_id, sender_id } = data.message;
      // One of which nothing is known counts all the same.
      const isKnown = conversations.entry(conversation_id) !== undefined;
      if (!isKnown && sender_id !== this.#wire.userId) this.#ask();
    }
  }

  #move(before: Conversation | null, after: Conversation | null): void {
    const [was, is] = [waits(before), waits(after)];
    if (was === is) return;
    this.#moves++;
    const { conversations, messages } = this.unread.get();
    this.set({
      conversations: Math.max(0, conversations + Number(is > 0) - Number(was > 0)),
      messages: Math.max(0, messages + is - was),
    });
  }

  #ask(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // Where it fails, the next greeting says it.
      if (this.#wire.isOnline) this.#fetch().catch(() => undefined);
    }, GATHER_MS);
  }

  async #fetch(): Promise<void> {
    const moves = this.#moves;
    const me = await this.#wire.call("GET /v1/me");
    this.me.set(me);
    // What happened meanwhile may be in it or not.
    if (moves !== this.#moves) this.#ask();
    else this.set(me.unread);
  }
}

/** What of a conversation counts: what is put away does not. */
function waits(conversation: Conversation | null): number {
  return conversation?.status === "active" ? conversation.unread : 0;
}
