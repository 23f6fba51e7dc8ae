/**
 * One conversation's messages by `seq`, with what is unknown among them. Pure.
 *
 * Telling it the same events in any order, any number of times, ends the same: a newer
 * version (deleted over edited over new) replaces an older one, the reactions of the latest
 * moment hold, and an earlier `read_at` replaces a later one.
 */
import { Problem } from "./errors.js";
import type { Message } from "./generated/contract.js";
import { forgetOldest } from "./lists.js";

/** From one seq to another, both within it. */
export type Range = readonly [from: number, to: number];

/**
 * Where a message comes from: an event of that time, or a page that was asked for when the
 * timeline stood there (`Timeline.now`).
 */
export type Source = { at: string } | { since: number };

type Reactions = Message["reactions"];

// So many messages' reactions, and so many marks of a reader, are remembered with their time.
const REACTED = 2000;
const MARKS = 100;
// And of so many readers.
const READERS = 500;
// A page that leaves out more than this is a fault of the server's.
const MOST_ABSENT = 100_000;

export const HOLES = "The history has too many holes.";

// The server quotes so many characters.
const QUOTED = 200;

/** Ranks the versions of one message as texts; a tombstone is final. */
export function rank(message: Message): string {
  // Times of the contract have one width and one zone, so the order of texts is that of times.
  return message.deleted_at === null ? (message.edited_at ?? "") : "~";
}

export class Timeline {
  #last = 0;
  #now = 0;
  readonly #messages = new Map<number, Message>();
  readonly #seqs = new Map<string, number>();
  // What the server does not give: all up to a seq, from before one came, and single ones.
  #floor = 0;
  readonly #absent = new Set<number>();
  readonly #reacted = new Map<string, { at: string; now: number; reactions: Reactions }>();
  /** By reader, had read up to `seq` at `at`: both rise. */
  readonly #marks = new Map<string, { seq: number; at: string }[]>();

  /** The newest seq heard of. */
  get last(): number {
    return this.#last;
  }

  /** Where it stands: ask before fetching, so that what is told meanwhile wins. */
  get now(): number {
    return this.#now;
  }

  /** How many messages are held. */
  get size(): number {
    return this.#messages.size;
  }

  has(seq: number): boolean {
    return this.#messages.has(seq);
  }

  find(messageId: string): Message | undefined {
    return this.#messages.get(this.#seqs.get(messageId) ?? 0);
  }

  /** Learn that the history goes at least as far. */
  reach(seq: number): void {
    if (seq > this.#last) this.#last = seq;
  }

  /** Take a message, a newer version of one, or a repeat. */
  put(message: Message, source: Source): void {
    const { id, seq } = message;
    this.reach(seq);
    // Sending reads everything up to one's own message, and there is no receipt for it.
    if (message.sender_id) this.read(message.sender_id, seq, message.sent_at);
    const held = this.#messages.get(seq);
    // Of two that say the same, the fetched one quotes what there is now.
    const isNewer = rank(message) > rank(held ?? message);
    const base =
      !held || isNewer || ("since" in source && rank(message) === rank(held)) ? message : held;
    // There after all; what is around it is not known any more.
    this.#absent.delete(seq);
    if (seq <= this.#floor) this.#floor = seq - 1;
    const next = this.#quoting({
      ...base,
      reactions: this.#reactions(message, held, source),
      read_at: [message.read_at, held?.read_at ?? null, this.#firstRead(message)].reduce(earlier),
    });
    if (JSON.stringify(next) === JSON.stringify(held)) return;
    this.#messages.set(seq, next);
    this.#seqs.set(id, seq);
    if (rank(next) !== "") {
      for (const [at, other] of this.#messages) {
        if (other.reply_to?.id === id) this.#messages.set(at, this.#quoting(other));
      }
    }
  }

  /** Take all reactions to a message, which may be yet to come. */
  react(messageId: string, reactions: Reactions, source: Source): void {
    const held = this.find(messageId);
    if (held) this.put({ ...held, reactions }, source);
    else if ("at" in source) this.#learn(messageId, reactions, source.at);
  }

  /** Learn that somebody had read up to `seq` at a time. */
  read(userId: string, seq: number, at: string): void {
    const marks = this.#marks.get(userId) ?? [];
    if (marks.some((mark) => mark.seq >= seq && mark.at <= at)) return;
    // Later marks up to here say nothing that this one does not say better.
    const mark = { seq, at };
    const kept = marks.filter((each) => each.seq > seq || each.at < at);
    kept.push(mark);
    kept.sort((one, other) => one.seq - other.seq);
    // Up to there an earlier mark says it.
    const since = kept[kept.indexOf(mark) - 1]?.seq ?? 0;
    this.#marks.set(userId, kept.slice(-MARKS));
    forgetOldest(this.#marks, READERS);
    for (const [held, message] of this.#messages) {
      if (held <= since || held > seq || message.sender_id === userId) continue;
      const read_at = earlier(message.read_at, at);
      if (read_at !== message.read_at) this.#messages.set(held, { ...message, read_at });
    }
  }

  /** Learn what a fetched page says: these are all that there is from `from` to `to`. */
  take(messages: readonly Message[], from: number, to: number, since: number): void {
    for (const message of messages) this.put(message, { since });
    const first = Math.min(to + 1, ...messages.map((message) => message.seq));
    if (from === 1) this.#floor = Math.max(this.#floor, first - 1);
    if (to - Math.max(from, this.#floor) > MOST_ABSENT) {
      throw new Problem("internal", HOLES);
    }
    for (let seq = Math.max(from, this.#floor + 1); seq <= to; seq++) {
      if (!this.#messages.has(seq)) this.#absent.add(seq);
    }
  }

  /** The first seq from here on, upwards (1) or downwards (-1), that is not absent. */
  skip(seq: number, step: 1 | -1): number {
    let at = seq;
    if (at <= this.#floor) at = step > 0 ? this.#floor + 1 : 0;
    while (this.#absent.has(at)) at += step;
    return at > this.#floor || step > 0 ? at : 0;
  }

  /** The messages held from one seq to another, in order. */
  list(from: number, to: number): Message[] {
    const found: Message[] = [];
    for (let seq = this.skip(from, 1); seq <= to; seq = this.skip(seq + 1, 1)) {
      const message = this.#messages.get(seq);
      if (message) found.push(message);
    }
    return found;
  }

  /** What is unknown from one seq to another, in order. */
  holes(from: number, to: number): Range[] {
    const found: [number, number][] = [];
    for (let seq = this.skip(from, 1); seq <= to; seq = this.skip(seq + 1, 1)) {
      if (this.#messages.has(seq)) continue;
      const before = found.at(-1);
      if (before?.[1] === seq - 1) before[1] = seq;
      else found.push([seq, seq]);
    }
    return found;
  }

  /** Forget all messages but those of these ranges. */
  keep(...ranges: readonly Range[]): void {
    for (const [seq, { id }] of this.#messages) {
      if (ranges.some(([from, to]) => from <= seq && seq <= to)) continue;
      this.#messages.delete(seq);
      this.#seqs.delete(id);
    }
  }

  #reactions(message: Message, held: Message | undefined, source: Source): Reactions {
    if (message.deleted_at || held?.deleted_at) return {};
    if ("at" in source) {
      // What a message had when it was new says nothing about now.
      if (source.at > message.sent_at) this.#learn(message.id, message.reactions, source.at);
    } else {
      const known = this.#reacted.get(message.id);
      const isStale = held && rank(held) > rank(message);
      if (!isStale && (!known || known.now <= source.since)) {
        if (known) known.reactions = message.reactions;
        return message.reactions;
      }
    }
    return (this.#reacted.get(message.id) ?? held ?? message).reactions;
  }

  #learn(messageId: string, reactions: Reactions, at: string): void {
    const known = this.#reacted.get(messageId);
    if (known && known.at >= at) return;
    this.#now += 1;
    this.#reacted.delete(messageId);
    this.#reacted.set(messageId, { at, now: this.#now, reactions });
    forgetOldest(this.#reacted, REACTED);
  }

  #firstRead(message: Message): string | null {
    let first: string | null = null;
    for (const [userId, marks] of this.#marks) {
      if (userId === message.sender_id) continue;
      first = earlier(first, marks.find((mark) => mark.seq >= message.seq)?.at ?? null);
    }
    return first;
  }

  /** The message, quoting what is held as it is now. */
  #quoting(message: Message): Message {
    const quote = message.reply_to;
    const held = quote === null ? undefined : this.find(quote.id);
    if (!quote || !held || rank(held) === "" || quote.deleted_at) {
      return message;
    }
    const body = [...held.body].slice(0, QUOTED).join("");
    return { ...message, reply_to: { ...quote, body, deleted_at: held.deleted_at } };
  }
}

/** Of two times, the first; null is none. */
export function earlier(one: string | null, other: string | null): string | null {
  if (!one || !other) return one ?? other;
  return one < other ? one : other;
}
