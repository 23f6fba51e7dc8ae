/** A server in small: it says what is true, and gives the events that lead there. */
import { Problem } from "../src/errors.js";
import type {
  Contract,
  Conversation,
  Message,
  Notification,
  Participant,
} from "../src/generated/contract.js";
import { Cell } from "../src/store.js";
import type { CallOptions, Calls, Commands, Pending, Told } from "../src/types.js";
import type { Outgoing, Wire } from "../src/wire.js";

export const ME = "me";
export const ADA = "ada";
export const BOB = "bob";

type Query = { before?: number; after?: number; limit?: number; next?: string | null };

let milliseconds = Date.parse("2026-11-21T08:00:00Z");

/** A later time than all before. */
export function later(): string {
  milliseconds += 1;
  return new Date(milliseconds).toISOString();
}

function participantOf(user_id: string, read_seq = 0): Participant {
  return { user_id, role: "member", read_seq, delivered_seq: read_seq, joined_at: later() };
}

/** One conversation as the server has it. */
export class Talk {
  readonly messages: Message[] = [];
  readonly participants: Participant[];
  readonly createdAt = later();
  /** What I may not read, because it was said before I came. */
  hidden = 0;
  title: string | null = null;
  readonly #readUpTo = new Map<string, number>();

  constructor(
    readonly id: string,
    userIds: readonly string[] = [ME, ADA, BOB],
  ) {
    this.participants = userIds.map((each) => participantOf(each));
  }

  post(sender: string, body = "Hello", more: Partial<Message> = {}): Told {
    const seq = this.messages.length + 1;
    const sent_at = later();
    this.messages.push({
      id: `${this.id}-${seq}`,
      conversation_id: this.id,
      seq,
      client_id: null,
      sender_id: sender,
      kind: "text",
      body,
      attachments: [],
      reply_to_id: null,
      metadata: {},
      mentions: [],
      reply_to: null,
      reactions: {},
      sent_at,
      edited_at: null,
      deleted_at: null,
      read_at: null,
      ...more,
    });
    this.#mark(sender, seq, sent_at);
    return { type: "message.created", at: sent_at, data: { message: this.message(seq) } };
  }

  edit(seq: number, body: string): Told {
    const at = later();
    this.#change(seq, { body, edited_at: at });
    return { type: "message.updated", at: later(), data: { message: this.message(seq) } };
  }

  remove(seq: number): Told {
    const at = later();
    this.#change(seq, { body: "", attachments: [], reactions: {}, deleted_at: at });
    return { type: "message.deleted", at: later(), data: { message: this.message(seq) } };
  }

  react(seq: number, user: string, emoji: string): Told {
    const { id, reactions } = this.message(seq);
    const given = reactions[emoji] ?? [];
    const { [emoji]: _, ...others } = reactions;
    const isOff = given.includes(user) && given.length === 1;
    const now = given.includes(user) ? given.filter((each) => each !== user) : [...given, user];
    this.#change(seq, { reactions: isOff ? others : { ...others, [emoji]: now } });
    const { reactions: after } = this.message(seq);
    const data = { conversation_id: this.id, message_id: id, reactions: after };
    return { type: "reaction.changed", at: later(), data };
  }

  read(user_id: string, seq: number): Told {
    const at = later();
    this.#mark(user_id, seq, at);
    return { type: "receipt.read", at, data: { conversation_id: this.id, user_id, seq, at } };
  }

  deliver(user_id: string, seq: number): Told {
    const at = later();
    const part = this.participants.find((each) => each.user_id === user_id);
    if (part !== undefined) part.delivered_seq = Math.max(part.delivered_seq, seq);
    return { type: "receipt.delivered", at, data: { conversation_id: this.id, user_id, seq, at } };
  }

  join(user_id: string): Told {
    const at = later();
    const participant = participantOf(user_id, this.messages.length);
    this.participants.push(participant);
    const participant_count = this.participants.length;
    const data = { conversation_id: this.id, user_id, participant, participant_count };
    return { type: "participant.joined", at, data: structuredClone(data) };
  }

  leave(user_id: string): Told {
    const at = later();
    const place = this.participants.findIndex((each) => each.user_id === user_id);
    this.participants.splice(place, 1);
    const data = {
      conversation_id: this.id,
      user_id,
      reason: "left" as const,
      last_seq: this.messages.length,
      participant_count: this.participants.length,
      at,
    };
    return { type: "participant.left", at, data };
  }

  rename(title: string): Told {
    this.title = title;
    const data = { conversation: this.conversation() };
    return { type: "conversation.updated", at: later(), data };
  }

  /** A message as it is now, quoting what it quotes as that is now. */
  message(seq: number): Message {
    const message = this.messages[seq - 1];
    if (message === undefined) throw new Error(`There is no message ${seq}.`);
    const { reply_to_id } = message;
    const quoted =
      reply_to_id === null ? undefined : this.messages.find((each) => each.id === reply_to_id);
    const reply_to = quoted === undefined ? null : quoteOf(quoted);
    return structuredClone({ ...message, reply_to });
  }

  page({ before, after, limit = 50, next }: Query): { items: Message[]; next: string | null } {
    const from: Query = typeof next === "string" ? JSON.parse(next) : { before, after };
    const [step, end] =
      from.after === undefined ? [-1, this.hidden] : [1, this.messages.length + 1];
    const first =
      from.after === undefined
        ? (from.before ?? this.messages.length + 1)
        : Math.max(from.after, this.hidden);
    const seqs: number[] = [];
    let seq = Math.min(first, this.messages.length + 1) + step;
    for (; step > 0 ? seq < end : seq > end; seq += step) {
      seqs.push(seq);
      if (seqs.length > limit) break;
    }
    const items = seqs.slice(0, limit).map((each) => this.message(each));
    const last = items.at(-1)?.seq;
    const following = from.after === undefined ? { before: last } : { after: last };
    return { items, next: seqs.length > limit ? JSON.stringify(following) : null };
  }

  conversation(): Conversation {
    const last = this.messages.length;
    const mine = this.participants.find((each) => each.user_id === ME)?.read_seq ?? 0;
    const read = Math.max(mine, this.hidden);
    const unread = this.messages.filter((each) => each.seq > read && each.deleted_at === null);
    const title = this.title;
    return {
      id: this.id,
      kind: "group",
      gig_id: null,
      application_id: null,
      title,
      status: "active",
      writers: "members",
      history: "all",
      read_only_at: null,
      closed_by: null,
      participants: structuredClone(this.participants),
      participant_count: this.participants.length,
      last_seq: last,
      last_message: last > this.hidden ? this.message(last) : null,
      last_message_at: this.messages.at(-1)?.sent_at ?? null,
      unread: unread.length,
      muted_until: null,
      created_at: this.createdAt,
    };
  }

  #change(seq: number, change: Partial<Message>): void {
    this.messages[seq - 1] = { ...this.message(seq), ...change };
  }

  #mark(userId: string, seq: number, at: string): void {
    const part = this.participants.find((each) => each.user_id === userId);
    if (part === undefined) return;
    part.read_seq = Math.max(part.read_seq, seq);
    part.delivered_seq = Math.max(part.delivered_seq, seq);
    // What was said before had been dated by then.
    const before = this.#readUpTo.get(userId) ?? 0;
    for (const message of this.messages.slice(before, seq)) {
      if (message.sender_id !== userId) message.read_at ??= at;
    }
    this.#readUpTo.set(userId, Math.max(before, seq));
  }
}

function quoteOf({ id, seq, sender_id, kind, body, deleted_at }: Message): Message["reply_to"] {
  return { id, seq, sender_id, kind, body: [...body].slice(0, 200).join(""), deleted_at };
}

export function notification(id: string, more: Partial<Notification> = {}): Notification {
  return {
    id,
    type: "message_received",
    title: "A message",
    message: "",
    data: {},
    priority: "normal",
    related_user_id: null,
    related_connection_id: null,
    conversation_id: null,
    gig_id: null,
    count: 1,
    is_read: false,
    seen_at: null,
    read_at: null,
    archived_at: null,
    expires_at: null,
    created_at: later(),
    ...more,
  };
}

type Answer = (data: unknown) => unknown;

/** A wire of which a test says everything. */
export class ModelWire implements Wire {
  userId = ME;
  isOnline = true;
  readonly talks = new Map<string, Talk>();
  /** Every call and command, in their order. */
  readonly asked: { what: string; data: unknown }[] = [];
  /** Other answers than those of the talks, by call or command. */
  readonly answers = new Map<string, Answer>();
  /** What every answer waits for, when it has been made. */
  latency: () => Promise<void> = () => Promise.resolve();
  readonly outbox = new ModelOutbox();
  readonly #listeners = new Set<(event: Told) => void>();
  readonly #whenOnline = new Set<(isAnew: boolean) => void | Promise<void>>();

  talk(id = "c1", userIds?: readonly string[]): Talk {
    const talk = new Talk(id, userIds);
    this.talks.set(id, talk);
    return talk;
  }

  tell(...events: readonly Told[]): void {
    for (const event of events) {
      for (const listener of [...this.#listeners]) listener(structuredClone(event));
    }
  }

  async greet(isAnew: boolean, more: Partial<Contract["events"]["hello"]> = {}): Promise<void> {
    this.isOnline = true;
    const data = {
      user_id: ME,
      session_id: "s",
      resumed: !isAnew,
      cursor: "1",
      unread: { conversations: 0, messages: 0, notifications: 0 },
      heartbeat_s: 25,
      limits: { frame_bytes: 65536, body_chars: 8000, attachments: 10 },
      ...more,
    };
    this.tell({ type: "hello", at: later(), data });
    await Promise.all([...this.#whenOnline].map((listener) => listener(isAnew)));
  }

  /** How often something was asked. */
  count(what: string): number {
    return this.asked.filter((each) => each.what === what).length;
  }

  on(listener: (event: Told) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onOnline(listener: (isAnew: boolean) => void | Promise<void>): () => void {
    this.#whenOnline.add(listener);
    return () => this.#whenOnline.delete(listener);
  }

  command<K extends keyof Commands>(
    type: K,
    data: Commands[K]["data"],
  ): Promise<Commands[K]["ok"]> {
    return this.#ask(type, data, () => ({}));
  }

  call<K extends keyof Calls>(
    what: K,
    { path = {}, query = {}, body }: CallOptions<K> = {},
  ): Promise<Calls[K]["answer"]> {
    return this.#ask(what, { ...path, ...query, body }, () => this.#look(what, path, query));
  }

  upload(): Promise<never> {
    return Promise.reject(new Error("Nothing is uploaded here."));
  }

  async #ask<T>(what: string, data: unknown, usual: Answer): Promise<T> {
    this.asked.push({ what, data });
    // Over the wire and back: what it is now, and nobody else's.
    const answer = JSON.stringify((await (this.answers.get(what) ?? usual)(data)) ?? null);
    await this.latency();
    return JSON.parse(answer);
  }

  #look(what: string, path: Record<string, string>, query: Query): unknown {
    if (what === "GET /v1/conversations") {
      const all = [...this.talks.values()]
        .map((talk) => talk.conversation())
        .filter((each) => each.participants.some((part) => part.user_id === ME))
        .sort((one, other) => (keyOf(one) < keyOf(other) ? 1 : -1));
      const from = Number(query.next ?? 0);
      const upto = from + (query.limit ?? 50);
      return { items: all.slice(from, upto), next: upto < all.length ? String(upto) : null };
    }
    const talk = this.talks.get(path.conversation_id ?? "");
    if (talk === undefined || !talk.participants.some((part) => part.user_id === ME)) {
      throw new Problem("not_found");
    }
    return what.endsWith("/messages") ? talk.page(query) : talk.conversation();
  }
}

function keyOf(conversation: Conversation): string {
  return `${conversation.last_message_at ?? conversation.created_at} ${conversation.id}`;
}

class ModelOutbox extends Cell<ReadonlyMap<string, readonly Pending[]>> implements Outgoing {
  constructor() {
    super(new Map());
  }

  send(conversationId: string, draft: Pending["draft"]): Pending {
    const pending: Pending = {
      clientId: `p${this.get().size}`,
      conversationId,
      draft,
      at: later(),
      state: "sending",
      problem: null,
    };
    this.set(
      new Map(this.get()).set(conversationId, [...(this.get().get(conversationId) ?? []), pending]),
    );
    return pending;
  }

  retry(): void {}

  discard(): void {}
}

/** Let everything that waits for nothing but promises happen. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
