import { Chore } from "./chore.js";
import { Entry } from "./entry.js";
import { Problem } from "./errors.js";
import type { Conversation } from "./generated/contract.js";
import { Listing } from "./listing.js";
import { descending, forgetOldest, ignore } from "./lists.js";
import { Receipts } from "./receipts.js";
import type { Source } from "./timeline.js";
import type { Calls, ConversationList, Conversations, Told } from "./types.js";
import { Typists } from "./typing.js";
import type { Wire } from "./wire.js";

// Events of conversations that are being fetched, to be applied when they are here.
const EARLY = 1000;
// What one hides from a larger circle nobody is told: the server's rule for receipts.
const TOLD = 100;
const DOUBT_MS = 1000;

/** What a conversation answers that one may no longer read. */
export const UNREADABLE = new Set(["not_found", "not_a_participant", "forbidden"]);

/** Told after each change of a conversation: it happened just now, or it was fetched. */
export type Change = (
  conversationId: string,
  before: Conversation | null,
  after: Conversation | null,
  isFetched: boolean,
) => void;

export class ConversationStore extends Listing<ConversationList> implements Conversations {
  readonly typists: Typists;
  readonly receipts: Receipts;
  readonly #entries = new Map<string, Entry>();
  // Not known to be as the server has them now.
  readonly #stale = new Set<string>();
  readonly #listeners = new Set<Change>();
  readonly #fetching = new Map<string, Promise<Conversation | null>>();
  readonly #left = new Map<string, { at: string; now: number }>();
  #early: Told[] = [];
  #now = 0;
  // How often changes were missed.
  #missed = 0;
  /** Fetches, after a while, those whose unread count cannot be known. */
  readonly #doubts = new Chore(DOUBT_MS, async () => {
    for (const [id, entry] of this.#entries) {
      if (!entry.isDoubtful || !this.wire.isOnline) continue;
      entry.isDoubtful = false;
      this.refresh(id).catch(ignore);
    }
    return false;
  });

  constructor(wire: Wire) {
    const typists = new Typists(wire);
    const typing = typists.get();
    super(wire, {
      items: [],
      hasMore: false,
      isLoading: false,
      isLoaded: false,
      problem: null,
      typing,
    });
    this.typists = typists;
    this.receipts = new Receipts(wire);
    typists.subscribe(() => this.patch({ typing: typists.get() }));
    wire.on((event) => this.#hear(event));
    wire.onOnline((isAnew) => {
      if (!isAnew) return;
      this.#missed += 1;
      for (const id of this.#entries.keys()) this.#stale.add(id);
    });
  }

  /** Be told after each change of any conversation, also of those not in the list. */
  onChange(listener: Change): void {
    this.#listeners.add(listener);
  }

  /** What is known of one, without asking. */
  entry(conversationId: string): Entry | undefined {
    return this.#entries.get(conversationId);
  }

  async find(conversationId: string): Promise<Conversation | null> {
    const entry = this.#entries.get(conversationId);
    if (entry && !this.#stale.has(conversationId)) return entry.shown;
    return this.refresh(conversationId);
  }

  /** Fetch one anew; rejects where that fails. */
  refresh(conversationId: string): Promise<Conversation | null> {
    const known = this.#fetching.get(conversationId);
    if (known) return known;
    const fetching = this.#fetch(conversationId).finally(() => {
      this.#fetching.delete(conversationId);
      if (this.#fetching.size === 0 && !this.isBusy) this.#early = [];
    });
    this.#fetching.set(conversationId, fetching);
    return fetching;
  }

  async arrange(
    conversationId: string,
    change: Calls["PATCH /v1/conversations/{conversation_id}"]["body"],
  ): Promise<void> {
    const since = this.#now;
    const conversation = await this.wire.call("PATCH /v1/conversations/{conversation_id}", {
      path: { conversation_id: conversationId },
      body: change,
    });
    this.take(conversation, { since });
  }

  /** Say that one has read up to here; the unread count follows at once. */
  read(conversationId: string, seq: number): void {
    const entry = this.#entries.get(conversationId);
    if (!entry || seq <= entry.readSeq) return;
    this.receipts.add(conversationId, seq, 0);
    const marker = { read_seq: seq, delivered_seq: seq };
    this.#change(conversationId, false, () => entry.mark(this.wire.userId, marker));
  }

  /** Take a conversation: fetched, or told by an event. */
  take(conversation: Conversation, source: Source): void {
    const { id } = conversation;
    const isFetched = "since" in source;
    const left = this.#left.get(id);
    // From before one left: told late, or fetched while one did.
    if (left && (isFetched ? source.since < left.now : source.at <= left.at)) return;
    const isNew = !this.#entries.has(id);
    this.#change(id, isFetched, () => {
      const entry = this.#entries.get(id) ?? new Entry(conversation, () => this.wire.userId);
      this.#entries.set(id, entry);
      entry.tell(conversation, source, this.#now);
    });
    if (isFetched) this.#stale.delete(id);
    this.#receive(id);
    if (!isNew) return;
    const early = this.#early;
    this.#early = [];
    for (const event of early) this.#apply(event);
  }

  /** Drop one that can no longer be read. */
  drop(conversationId: string): void {
    this.#stale.delete(conversationId);
    this.#change(conversationId, true, () => this.#entries.delete(conversationId));
  }

  async #fetch(conversationId: string): Promise<Conversation | null> {
    const { since, missed } = { since: this.#now, missed: this.#missed };
    try {
      const conversation = await this.wire.call("GET /v1/conversations/{conversation_id}", {
        path: { conversation_id: conversationId },
      });
      if (missed !== this.#missed) return this.#fetch(conversationId);
      this.take(conversation, { since });
      return this.#entries.get(conversationId)?.shown ?? conversation;
    } catch (error) {
      if (!UNREADABLE.has(Problem.of(error).code)) throw error;
      this.drop(conversationId);
      return null;
    }
  }

  protected async fetch(isMore: boolean): Promise<void> {
    const since = this.#now;
    const { items, next } = await this.wire.call("GET /v1/conversations", {
      query: this.query(isMore),
    });
    const last = items.at(-1);
    this.turn(next, last && keyOf(last));
    const here = new Set(items.map((each) => each.id));
    for (const each of items) this.take(each, { since });
    for (const [id, { shown, now }] of isMore ? [] : this.#entries) {
      // What has not come was left meanwhile, unless an event has just brought it.
      if (!here.has(id) && now <= since && keyOf(shown) >= (this.edge ?? "")) this.drop(id);
    }
    this.#show();
    if (this.#fetching.size === 0) this.#early = [];
  }

  #hear(event: Told): void {
    this.#now += 1;
    this.#apply(event);
    if (event.type !== "message.created") return;
    const { conversation_id, sender_id } = event.data.message;
    if (sender_id !== this.wire.userId) this.#receive(conversation_id);
  }

  #apply(event: Told): void {
    const { type, at, data } = event;
    if ("conversation" in data) {
      this.take(data.conversation, { at });
    } else if ("message" in data) {
      const { message } = data;
      this.#on(message.conversation_id, event, (entry) => entry.note(message, at, this.#now));
    } else if ("participant_count" in data) {
      const { conversation_id: id, user_id, participant_count: count } = data;
      const part = "participant" in data ? data.participant : null;
      if (!part && user_id === this.wire.userId) this.#leave(id, at);
      else this.#on(id, event, (entry) => entry.move(user_id, part, count, at, this.#now));
    } else if (type === "receipt.read" || type === "receipt.delivered") {
      const { conversation_id, user_id, seq } = data;
      const isRead = type === "receipt.read";
      const marker = { read_seq: isRead ? seq : 0, delivered_seq: seq };
      this.#on(conversation_id, event, (entry) =>
        entry.mark(user_id, marker, isRead ? data.at : null),
      );
    }
  }

  #leave(id: string, at: string): void {
    this.#left.set(id, { at, now: this.#now });
    forgetOldest(this.#left);
    // Unless it is told late, after one has come back.
    if ((this.#entries.get(id)?.joinedAt ?? "") <= at) this.drop(id);
  }

  /** Change one by an event, which waits where that one is on its way. */
  #on(id: string, event: Told, change: (entry: Entry) => void): void {
    const entry = this.#entries.get(id);
    if (entry) {
      if (event.at > (this.#left.get(id)?.at ?? "")) this.#change(id, false, () => change(entry));
      return;
    }
    // A message moves a conversation to the top of the list, from wherever it was.
    const isToBeShown = event.type === "message.created" && this.edge !== null;
    if (isToBeShown) this.refresh(id).catch(ignore);
    if (this.#fetching.size > 0 || this.isBusy) {
      this.#early.push(event);
      this.#early.splice(0, this.#early.length - EARLY);
    }
  }

  /** Say that what is known of a conversation has arrived here. */
  #receive(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    const { last_seq, participants, participant_count } = entry.shown;
    const mine = participants.find((each) => each.user_id === this.wire.userId);
    if (!mine || mine.delivered_seq >= last_seq || participant_count > TOLD) return;
    this.receipts.add(id, 0, last_seq);
  }

  #change(id: string, isFetched: boolean, change: () => void): void {
    const before = this.#entries.get(id)?.shown ?? null;
    change();
    const entry = this.#entries.get(id);
    const after = entry?.shown ?? null;
    if (after === before) return;
    this.#show();
    for (const listener of this.#listeners) listener(id, before, after, isFetched);
    if (entry?.isDoubtful) this.#doubts.plan();
  }

  /** In their order: what is sorted already but for one costs little. */
  #show(): void {
    if (this.edge === null) return;
    const shown = [...this.#entries.values()].map((each) => each.shown);
    this.patch({ items: descending(shown, keyOf, this.edge) });
  }
}

/** By this they are ordered, the greatest first. */
function keyOf(conversation: Conversation): string {
  return `${conversation.last_message_at ?? conversation.created_at} ${conversation.id}`;
}
