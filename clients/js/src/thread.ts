import { Chore } from "./chore.js";
import { type ConversationStore, UNREADABLE } from "./conversations.js";
import { Problem } from "./errors.js";
import type { Conversation, Message, WritePermission } from "./generated/contract.js";
import { ignore } from "./lists.js";
import { Cell } from "./store.js";
import { HOLES, Timeline } from "./timeline.js";
import type { Draft, Pending, Thread, ThreadState, Told } from "./types.js";
import { TypingSender } from "./typing.js";
import type { Wire } from "./wire.js";

// What one step of scrolling brings, and what the server gives at once at the most.
const PAGE = 50;
const MOST = 200;
const WINDOW = 200;
// Kept around the window, and at the end, so that going back and forth asks nothing.
const AROUND = 400;
const TAIL = 200;
// Events bring what is missing in a moment, or else it is fetched.
const PATIENCE_MS = 300;
// Each round of fetching makes something known; more than so many are a fault.
const ROUNDS = 20;

type Job = "load" | "older" | "newer" | "jump" | "latest" | "fill" | "refresh";
type Change = (message: Message) => Message;
/** What the server says that has become of a message. */
type Changed = { message: Message } | Pick<Message, "reactions">;

export class ThreadStore extends Cell<ThreadState> implements Thread {
  readonly id: string;
  readonly #wire: Wire;
  readonly #conversations: ConversationStore;
  readonly #size: number;
  readonly #typing: TypingSender;
  readonly #jobs = new Map<Job, Promise<void>>();
  // Changes of one's own that the server has not answered yet.
  readonly #changes = new Set<{ messageId: string; change: Change }>();
  #timeline = new Timeline();
  // The window, from one seq to another; it follows what comes where it reaches the end.
  #from = 1;
  #to = 0;
  #isFollowing = true;
  #isStale = false;
  #joinedAt = "";
  #jump = 0;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #filling = new Chore(PATIENCE_MS, async () => {
    if (this.#wire.isOnline && this.isWatched) {
      const isCurrent = this.get().isLoaded && !this.#isStale;
      await (isCurrent ? this.#run("fill", () => this.#fill()) : this.#bring());
    }
    return false;
  });

  constructor(id: string, wire: Wire, conversations: ConversationStore, windowSize = WINDOW) {
    super({ ...EMPTY, pending: [], typing: [] });
    this.id = id;
    this.#wire = wire;
    this.#conversations = conversations;
    // Less than two pages could not be scrolled through.
    this.#size = Math.max(windowSize, 2 * PAGE);
    this.#typing = new TypingSender(wire, id);
  }

  /** How many messages are in memory, shown or not. */
  get held(): number {
    return this.#timeline.size;
  }

  load(): Promise<void> {
    return this.#bring().catch((error: unknown) => this.#filling.planAfter(error));
  }

  older(count?: number): Promise<void> {
    return this.#try("older", () => this.#grow(-1, count));
  }

  newer(count?: number): Promise<void> {
    return this.#try("newer", () => this.#grow(1, count));
  }

  jumpTo(seq: number): Promise<void> {
    this.#jump = seq;
    return this.#try("jump", async () => {
      // Another may be wanted meanwhile.
      for (let at = 0; at !== this.#jump; ) {
        at = this.#jump;
        await this.#around(at);
      }
    });
  }

  jumpToLatest(): Promise<void> {
    return this.#try("latest", () => this.#latest());
  }

  send(draft: Draft): Pending {
    const pending = this.#wire.outbox.send(this.id, draft);
    this.#typing.sent();
    if (!this.#isFollowing) this.jumpToLatest();
    return pending;
  }

  retry(clientId: string): void {
    this.#wire.outbox.retry(clientId);
  }

  discard(clientId: string): void {
    this.#wire.outbox.discard(clientId);
  }

  edit(messageId: string, body: string): Promise<void> {
    const edited_at = new Date().toISOString();
    return this.#change(
      messageId,
      (message) => ({ ...message, body, edited_at }),
      () => this.#wire.command("message.edit", { message_id: messageId, body }),
    );
  }

  remove(messageId: string): Promise<void> {
    const tombstone = { body: "", attachments: [], reactions: {}, mentions: [], metadata: {} };
    const deleted_at = new Date().toISOString();
    return this.#change(
      messageId,
      (message) => ({ ...message, ...tombstone, deleted_at }),
      () => this.#wire.command("message.delete", { message_id: messageId }),
    );
  }

  react(messageId: string, emoji: string, isOn: boolean): Promise<void> {
    const me = this.#wire.userId;
    const change = (message: Message): Message => {
      const given = message.reactions[emoji]?.filter((each) => each !== me) ?? [];
      const reactions = { ...message.reactions, [emoji]: isOn ? [...given, me] : given };
      if (!isOn && given.length === 0) delete reactions[emoji];
      return { ...message, reactions };
    };
    const command = isOn ? "reaction.add" : "reaction.remove";
    return this.#change(messageId, change, () =>
      this.#wire.command(command, { message_id: messageId, emoji }),
    );
  }

  async history(messageId: string): Promise<readonly { body: string; at: string }[]> {
    const { items } = await this.#wire.call("GET /v1/messages/{message_id}/history", {
      path: { message_id: messageId },
      query: { limit: MOST },
    });
    return items.map(({ body, edited_at }) => ({ body, at: edited_at }));
  }

  read(seq = Number.POSITIVE_INFINITY): void {
    const last = this.#conversations.entry(this.id)?.shown.last_seq ?? 0;
    this.#conversations.read(this.id, Math.min(seq, Math.max(last, this.#timeline.last)));
  }

  typing(): void {
    this.#typing.start();
  }

  stopTyping(): void {
    this.#typing.stop();
  }

  permissions(): Promise<WritePermission> {
    return this.#wire.call("GET /v1/conversations/{conversation_id}/permissions", {
      path: { conversation_id: this.id },
    });
  }

  /** Take an event of this conversation. */
  hear({ type, at, data }: Told): void {
    if ("message" in data) this.#timeline.put(data.message, { at });
    else if ("reactions" in data) this.#timeline.react(data.message_id, data.reactions, { at });
    else if (type === "receipt.read") this.#timeline.read(data.user_id, data.seq, data.at);
    else return;
    this.show();
  }

  /** Take how the conversation is now; null where one may no longer read it. */
  follow(conversation: Conversation | null): void {
    if (!conversation) {
      this.#forget();
      this.patch({ conversation: null, problem: new Problem("not_a_participant") });
      return;
    }
    const joinedAt = this.#conversations.entry(this.id)?.joinedAt ?? "";
    const hasComeBack = this.#joinedAt !== "" && this.#joinedAt !== joinedAt;
    this.#joinedAt = joinedAt;
    if (hasComeBack || isGone(this.get())) {
      // What one may read of the past may be something else now.
      this.#forget();
      if (this.isWatched) this.load();
    }
    this.#timeline.reach(conversation.last_seq);
    this.show();
  }

  /** After a greeting: fetch what is shown, where changes were missed. */
  refresh(isAnew: boolean): Promise<void> {
    if (isAnew) this.#isStale = true;
    this.show();
    if (!this.isWatched) return Promise.resolve();
    return this.#bring();
  }

  /** Forget the messages, unless somebody looks; they come back with the next look. */
  unload(): void {
    if (!this.isWatched && this.#jobs.size === 0) this.#forget();
  }

  protected override onFirst(): void {
    this.patch({ readWhenOpened: null });
    this.show();
    this.load();
  }

  /** Put together what is to be seen. */
  show(): void {
    const timeline = this.#timeline;
    const entry = this.#conversations.entry(this.id);
    const { isLoaded, readWhenOpened, messages: before, conversation } = this.get();
    if (isLoaded && this.#isFollowing) this.#reachOut();
    let messages = timeline.list(this.#from, this.#to);
    const first = messages.at(-this.#size);
    if (this.#isFollowing && first) {
      this.#from = first.seq;
      messages = timeline.list(this.#from, this.#to);
    }
    if (timeline.size > this.#size + 2 * AROUND + 2 * TAIL) {
      timeline.keep(
        [this.#from - AROUND, this.#to + AROUND],
        [timeline.last - TAIL, timeline.last],
      );
    }
    for (const { messageId, change } of this.#changes) {
      messages = messages.map((each) =>
        each.id === messageId && each.deleted_at === null ? change(each) : each,
      );
    }
    const isSame =
      messages.length === before.length && messages.every((each, i) => each === before[i]);
    this.patch({
      conversation: entry?.shown ?? (isGone(this.get()) ? null : conversation),
      messages: isSame ? before : messages,
      pending: this.#wire.outbox.get().get(this.id) ?? NOTHING,
      hasOlder: isLoaded && timeline.skip(this.#from - 1, -1) > 0,
      hasNewer: isLoaded && !this.#isFollowing,
      isLoading: this.#jobs.size > 0,
      typing: this.#conversations.typists.in(this.id),
      readWhenOpened:
        readWhenOpened ?? (this.#wire.userId === "" ? null : (entry?.readSeq ?? null)),
    });
  }

  /** Take in what joins the end of the window; fetch what is missing before more. */
  #reachOut(): void {
    const timeline = this.#timeline;
    for (;;) {
      const next = timeline.skip(this.#to + 1, 1);
      if (next <= timeline.last && !timeline.has(next)) break;
      this.#to = Math.min(next, timeline.last);
      if (next >= timeline.last) return;
    }
    if (!this.#jobs.has("fill")) this.#filling.plan();
  }

  /** Load what is not loaded, and again what is stale. */
  async #bring(): Promise<void> {
    if (!this.get().isLoaded) await this.#run("load", () => this.#begin());
    // Changes may have been missed once more, while it was fetched.
    while (this.#isStale && this.get().isLoaded) {
      await this.#run("refresh", () => this.#again());
    }
    if (this.get().problem !== null) await this.#run("fill", () => this.#fill());
  }

  async #begin(): Promise<void> {
    const timeline = this.#timeline;
    // What was told before something was missed may be of yesterday.
    if (this.#isStale) timeline.keep();
    this.#isStale = false;
    await this.#measure(timeline);
    // One may have left meanwhile.
    if (timeline !== this.#timeline) return;
    await this.#latest();
    await this.#fill();
  }

  /** Fetch the window again, as it is shown, and then what is new. */
  async #again(): Promise<void> {
    this.#isStale = false;
    const timeline = this.#timeline;
    const [from, to] = [this.#from, this.#to];
    try {
      await this.#measure(timeline);
      for (let at = from - 1; at < to; ) {
        const page = await this.#fetch({ after: at }, Math.min(MOST, to - at));
        at = page.at(-1)?.seq ?? to;
      }
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
    // The rest may have changed just as well; it comes back when it is wanted.
    timeline.keep([this.#from, this.#isFollowing ? Number.POSITIVE_INFINITY : this.#to]);
    await this.#fill();
  }

  /** Fetch what is missing up to the newest, or only the end where that is too much. */
  async #fill(): Promise<void> {
    const timeline = this.#timeline;
    for (let round = 0; round < ROUNDS && this.#isFollowing; round++) {
      this.show();
      const missing = timeline.last - this.#to;
      if (missing <= 0 || timeline !== this.#timeline) return;
      if (missing > this.#size) return this.#latest();
      await this.#fetch({ after: this.#to }, Math.min(MOST, missing));
    }
  }

  async #grow(step: 1 | -1, count?: number): Promise<void> {
    const timeline = this.#timeline;
    if (!this.get().isLoaded || (step > 0 && this.#isFollowing)) return;
    const edge = step > 0 ? this.#to : this.#from;
    const end = await this.#know(timeline, edge, step, count);
    let [from, to] = step > 0 ? [this.#from, end] : [end, this.#to];
    const messages = timeline.list(from, to);
    // What is far on the other side goes.
    if (messages.length > this.#size) {
      if (step > 0) from = messages.at(-this.#size)?.seq ?? from;
      else to = messages[this.#size - 1]?.seq ?? to;
    }
    const isAtEnd = step > 0 ? to >= timeline.last : this.#isFollowing && to === this.#to;
    this.#move(timeline, from, to, isAtEnd);
  }

  async #around(seq: number): Promise<void> {
    const timeline = this.#timeline;
    if (this.get().isLoaded && this.#from <= seq && seq <= this.#to) return;
    await this.#measure(timeline);
    await this.#end(timeline, seq + PAGE / 2);
    // Before what one may read: then its beginning.
    if (this.#from > this.#to) await this.#end(timeline, timeline.skip(1, 1) + PAGE / 2);
  }

  /** Learn how far the history goes. */
  async #measure(timeline: Timeline): Promise<void> {
    const conversation = await this.#conversations.find(this.id);
    if (!conversation) throw new Problem("not_found");
    timeline.reach(conversation.last_seq);
  }

  #latest(): Promise<void> {
    return this.#end(this.#timeline, Number.POSITIVE_INFINITY);
  }

  /** Show what ends there, or with the newest. */
  async #end(timeline: Timeline, seq: number): Promise<void> {
    const to = Math.min(seq, timeline.last);
    // What comes while it is fetched joins that end.
    const isAtEnd = to === timeline.last;
    const from = await this.#know(timeline, to + 1, -1);
    if (timeline === this.#timeline) this.patch({ isLoaded: true });
    this.#move(timeline, from, to, isAtEnd);
  }

  /** Make known so many messages from an edge on; gives how far that goes. */
  async #know(timeline: Timeline, edge: number, step: 1 | -1, count = PAGE): Promise<number> {
    for (let round = 0; round < ROUNDS; round++) {
      let end = edge;
      for (let i = 0; i < count; i++) {
        const next = timeline.skip(end + step, step);
        if (next < 1 || next > timeline.last) break;
        end = next;
      }
      const holes = step > 0 ? timeline.holes(edge + 1, end) : timeline.holes(end, edge - 1);
      const hole = step > 0 ? holes[0] : holes.at(-1);
      if (!hole) return end;
      // A whole page, however little is missing: the next steps find it here.
      await this.#fetch(step > 0 ? { after: hole[0] - 1 } : { before: hole[1] + 1 });
    }
    throw new Problem("internal", HOLES);
  }

  async #fetch(query: { before: number } | { after: number }, limit = PAGE) {
    const timeline = this.#timeline;
    const { now: since, last } = timeline;
    const { items, next } = await this.#wire.call(
      "GET /v1/conversations/{conversation_id}/messages",
      { path: { conversation_id: this.id }, query: { ...query, limit } },
    );
    const seqs = items.map((message) => message.seq);
    const isAll = !next || seqs.length === 0;
    if ("after" in query) {
      timeline.take(items, query.after + 1, Math.max(...seqs, isAll ? last : 0), since);
    } else {
      timeline.take(items, isAll ? 1 : Math.min(...seqs), query.before - 1, since);
    }
    return items;
  }

  #move(timeline: Timeline, from: number, to: number, isFollowing: boolean): void {
    // One may have left meanwhile.
    if (timeline !== this.#timeline) return;
    [this.#from, this.#to, this.#isFollowing] = [from, to, isFollowing];
    this.show();
  }

  /** Run it for somebody who learns from the state whether it went well. */
  #try(kind: Job, job: () => Promise<void>): Promise<void> {
    return this.#run(kind, job).catch((error: unknown) => this.#filling.planAfter(error));
  }

  /** One load at a time, and each kind once. */
  #run(kind: Job, job: () => Promise<void>): Promise<void> {
    const known = this.#jobs.get(kind);
    if (known) return known;
    const run = this.#queue.then(job).then(
      () => {
        this.patch({ problem: null });
      },
      (error: unknown) => {
        const problem = Problem.of(error);
        if (UNREADABLE.has(problem.code)) this.#forget();
        this.patch({ problem });
        throw problem;
      },
    );
    const done = run.finally(() => {
      this.#jobs.delete(kind);
      this.show();
    });
    this.#jobs.set(kind, done);
    this.#queue = done.catch(ignore);
    this.show();
    return done;
  }

  /** Show a change at once; it is put back, and rejected, where the server refuses. */
  async #change(messageId: string, change: Change, ask: () => Promise<Changed>): Promise<void> {
    const shown = { messageId, change };
    this.#changes.add(shown);
    this.show();
    try {
      const since = this.#timeline.now;
      const changed = await ask();
      if ("message" in changed) this.#timeline.put(changed.message, { since });
      else this.#timeline.react(messageId, changed.reactions, { since });
    } finally {
      this.#changes.delete(shown);
      this.show();
    }
  }

  #forget(): void {
    this.#timeline = new Timeline();
    [this.#from, this.#to, this.#isFollowing] = [1, 0, true];
    this.patch({ ...EMPTY, readWhenOpened: this.get().readWhenOpened });
    this.show();
  }
}

const NOTHING: readonly Pending[] = [];

const EMPTY: Omit<ThreadState, "pending" | "typing"> = {
  conversation: null,
  messages: [],
  hasOlder: false,
  hasNewer: false,
  isLoading: false,
  isLoaded: false,
  problem: null,
  readWhenOpened: null,
};

function isGone({ problem }: ThreadState): boolean {
  return UNREADABLE.has(problem?.code ?? "");
}
