import { Chore } from "./chore.js";
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
  readonly #asking = new Chore(GATHER_MS, async () => {
    // Where there is no connection, the next greeting says it.
    if (this.#wire.isOnline) await this.#fetch();
    return false;
  });

  constructor(wire: Wire, conversations: ConversationStore) {
    this.#wire = wire;
    wire.on((event) => this.#hear(event, conversations));
    conversations.onChange((_, before, after, isFetched) => {
      // Fetched: whether the totals knew of it already, only the server can tell.
      if (!isFetched) this.#move(before, after);
      else if (before && waits(before) !== waits(after)) this.#asking.plan();
    });
    wire.onOnline(async (isAnew) => {
      // What one has read meanwhile, the greeting's totals do not know.
      if (conversations.receipts.isDue) this.#asking.plan();
      if (isAnew || this.me.get() === null) await this.#fetch();
    });
  }

  close(): void {
    this.#asking.stop();
  }

  #hear({ type, data }: Told, conversations: ConversationStore): void {
    if (type === "hello") {
      if (data.resumed === true) this.#atCursor = data.unread;
      else this.unread.patch(data.unread);
    } else if (type === "cursor" && this.#atCursor !== null) {
      this.unread.patch(this.#atCursor);
      this.#atCursor = null;
    } else if (type === "message.created") {
      const { conversation_id, sender_id } = data.message;
      // One of which nothing is known counts all the same.
      const isKnown = conversations.entry(conversation_id) !== undefined;
      if (!isKnown && sender_id !== this.#wire.userId) this.#asking.plan();
    }
  }

  #move(before: Conversation | null, after: Conversation | null): void {
    const [was, is] = [waits(before), waits(after)];
    if (was === is) return;
    this.#moves++;
    const { conversations, messages } = this.unread.get();
    this.unread.patch({
      conversations: Math.max(0, conversations + Number(is > 0) - Number(was > 0)),
      messages: Math.max(0, messages + is - was),
    });
  }

  async #fetch(): Promise<void> {
    const moves = this.#moves;
    const me = await this.#wire.call("GET /v1/me");
    this.me.set(me);
    // What happened meanwhile may be in it or not.
    if (moves !== this.#moves) this.#asking.plan();
    else this.unread.patch(me.unread);
  }
}

/** What of a conversation counts: what is put away does not. */
function waits(conversation: Conversation | null): number {
  return conversation?.status === "active" ? conversation.unread : 0;
}
