import type { Conversation, Message, Participant } from "./generated/contract.js";
import { compare, forgetOldest } from "./lists.js";
import { earlier, rank, type Source } from "./timeline.js";

type Marker = Pick<Participant, "read_seq" | "delivered_seq">;

// The server shows so many of those who take part.
const SHOWN = 50;
// An event may be late, and what was fetched before it may know of it already. Of more
// people not all ask at once for what is hardly ever later than this.
const LATE_MS = 5000;
const FEW = 100;

/**
 * One conversation as the reader sees it, kept up to date by events.
 *
 * What is unread is arithmetic, because `seq` is dense: what came after one's read marker,
 * less the tombstones there. Where it cannot be known, `isDoubtful` asks to fetch it again.
 */
export class Entry {
  shown: Conversation;
  isDoubtful = false;
  /** When an event last told of it, by the count of events. */
  now = 0;
  readonly #me: () => string;
  #told = { at: "", now: 0 };
  #counted = { at: "", now: 0 };
  #fetchedAt = 0;
  /** What the server said last: of what came after `read`, up to `last`, so many do not count. */
  #base = { read: 0, last: -1, hidden: 0 };
  #roster = new Map<string, Participant>();
  readonly #markers = new Map<string, Marker>();
  readonly #moves = new Map<string, { at: string; now: number; part: Participant | null }>();
  /** Tombstones that events told of, and whether `#base` knows them. */
  readonly #tombstones = new Map<number, { at: string; now: number; isKnown: boolean }>();

  /** `me` gives who one is, "" before the first greeting, after which all is told again. */
  constructor(conversation: Conversation, me: () => string) {
    this.shown = conversation;
    this.#me = me;
  }

  /** When the reader came in, the last time. */
  get joinedAt(): string {
    return this.#roster.get(this.#me())?.joined_at ?? "";
  }

  /** How far the reader has read. */
  get readSeq(): number {
    return this.#markers.get(this.#me())?.read_seq ?? 0;
  }

  /** Take the whole conversation. */
  tell(told: Conversation, source: Source, now: number): void {
    for (const each of told.participants) this.#mark(each.user_id, each);
    if ("at" in source) this.now = now;
    const before = this.shown;
    const isOlder = "at" in source ? source.at < this.#told.at : this.#told.now > source.since;
    const isFurther = told.last_seq >= before.last_seq;
    this.shown = {
      ...(isOlder ? before : told),
      last_seq: Math.max(before.last_seq, told.last_seq),
      last_message: newer(before.last_message, told.last_message),
      last_message_at: isFurther ? told.last_message_at : before.last_message_at,
    };
    if (!isOlder) {
      this.#roster = new Map(told.participants.map((each) => [each.user_id, each]));
      if ("at" in source) this.#told = { at: source.at, now };
      else this.#fetchedAt = Date.now();
      for (const [userId, move] of this.#moves) {
        if (isAfter(move, source)) this.#seat(userId, move.part);
      }
      if (isAfter(this.#counted, source)) {
        this.#set({ participant_count: before.participant_count });
      }
    }
    if (!isOlder && told.last_seq >= this.#base.last) this.#rebase(told, source);
    this.#refresh();
  }

  /** Take a message, new or changed. */
  note(message: Message, at: string, now: number): void {
    this.now = now;
    const { seq, sender_id } = message;
    const { last_seq, last_message } = this.shown;
    if (sender_id) this.#mark(sender_id, { read_seq: seq, delivered_seq: seq });
    if (seq > last_seq && !message.read_at) {
      // Told after it was read: when, only the server knows by now.
      for (const [userId, { read_seq }] of this.#markers) {
        if (read_seq >= seq && userId !== sender_id) this.isDoubtful = true;
      }
    }
    this.#set({ last_message: newer(last_message, message) });
    if (seq > last_seq) this.#set({ last_seq: seq, last_message_at: message.sent_at });
    if (message.deleted_at && seq > this.readSeq && !this.#tombstones.has(seq)) {
      this.#tombstones.set(seq, { at, now, isKnown: false });
      forgetOldest(this.#tombstones);
      const isRecent = Date.now() - this.#fetchedAt < LATE_MS;
      const isSmall = this.shown.participant_count <= FEW;
      if (seq <= this.#base.last && (isRecent || isSmall)) this.isDoubtful = true;
    }
    this.#refresh();
  }

  /** Somebody has read, or received, up to there; `readAt` where it is said when. */
  mark(userId: string, marker: Marker, readAt: string | null = null): void {
    this.#mark(userId, marker);
    const { last_message } = this.shown;
    if (last_message && last_message.seq <= marker.read_seq) {
      const isReader = userId !== last_message.sender_id;
      const read_at = earlier(last_message.read_at, isReader ? readAt : null);
      this.#set({ last_message: { ...last_message, read_at } });
    }
    this.#refresh();
  }

  /** Let somebody in, or out (null), after which so many take part. */
  move(userId: string, part: Participant | null, count: number, at: string, now: number): void {
    if (part) this.#mark(userId, part);
    const known = this.#moves.get(userId);
    if (!known || known.at < at) {
      this.#moves.set(userId, { at, now, part });
      forgetOldest(this.#moves);
      if (at >= this.#told.at) this.#seat(userId, part);
    }
    if (at >= this.#counted.at && at >= this.#told.at) {
      this.#counted = { at, now };
      this.#set({ participant_count: count });
    }
    this.#refresh();
  }

  #set(change: Partial<Conversation>): void {
    this.shown = { ...this.shown, ...change };
  }

  #seat(userId: string, part: Participant | null): void {
    if (!part) this.#roster.delete(userId);
    else if (this.#roster.size < SHOWN) this.#roster.set(userId, part);
  }

  #mark(userId: string, { read_seq, delivered_seq }: Marker): void {
    const known = this.#markers.get(userId) ?? { read_seq: 0, delivered_seq: 0 };
    const read = Math.max(known.read_seq, read_seq);
    this.#markers.set(userId, {
      read_seq: read,
      delivered_seq: Math.max(known.delivered_seq, delivered_seq, read),
    });
    const mine = this.#markers.get(this.#me());
    forgetOldest(this.#markers);
    if (mine) this.#markers.set(this.#me(), mine);
  }

  #rebase(told: Conversation, source: Source): void {
    const me = this.#me();
    const read = told.participants.find((each) => each.user_id === me)?.read_seq ?? 0;
    const hidden = Math.max(0, told.last_seq - read) - told.unread;
    this.#base = { read, last: told.last_seq, hidden };
    for (const [seq, tombstone] of this.#tombstones) {
      if (seq > told.last_seq) continue;
      if (!isAfter(tombstone, source)) tombstone.isKnown = true;
      // Told while it was fetched: before or after, nobody knows.
      else this.isDoubtful = true;
    }
  }

  #unread(): number {
    const { read, last, hidden } = this.#base;
    const from = Math.max(read, this.readSeq);
    let silent = 0;
    if (from < last && hidden > 0) {
      silent = Math.max(0, hidden - (from - read));
      // Which of them do not count was not said.
      if (from > read) this.isDoubtful = true;
    }
    for (const [seq, { isKnown }] of this.#tombstones) {
      if (seq <= from) this.#tombstones.delete(seq);
      else if (!isKnown) silent += 1;
    }
    return Math.max(0, this.shown.last_seq - from - silent);
  }

  #refresh(): void {
    const participants = [...this.#roster.values()]
      .map((each) => {
        const marker = this.#markers.get(each.user_id);
        const isSame =
          !marker ||
          (marker.read_seq === each.read_seq && marker.delivered_seq === each.delivered_seq);
        return isSame ? each : { ...each, ...marker };
      })
      .sort((one, other) => compare(keyOf(one), keyOf(other)));
    this.#set({ participants, unread: this.#unread() });
  }
}

function keyOf(participant: Participant): string {
  return `${participant.joined_at} ${participant.user_id}`;
}

function isAfter(told: { at: string; now: number }, source: Source): boolean {
  return "at" in source ? told.at > source.at : told.now > source.since;
}

function newer(one: Message | null, other: Message | null): Message | null {
  if (!one || !other) return one ?? other;
  if (one.seq !== other.seq) return one.seq > other.seq ? one : other;
  const newest = rank(one) > rank(other) ? one : other;
  return { ...newest, read_at: earlier(one.read_at, other.read_at) };
}
