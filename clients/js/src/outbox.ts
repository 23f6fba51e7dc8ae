import { Backoff } from "./backoff.js";
import { Problem, refusalOf } from "./errors.js";
import { uuid } from "./ids.js";
import { Cell } from "./store.js";
import type {
  CallboardProblem,
  Commands,
  Draft,
  Message,
  OutboxStorage,
  Pending,
  Stored,
  Told,
} from "./types.js";
import type { Outgoing, Wire } from "./wire.js";

const MOST_WAITING = 1000;
// A storage that does not answer by then is done without.
const STORAGE_MS = 3000;

type Link = Pick<Wire, "userId" | "isOnline" | "command" | "on" | "onOnline"> & {
  /** Let everybody hear of a message that was acknowledged. */
  tell(event: Told): void;
};

/**
 * Messages on their way: shown at once, kept until acknowledged, sent once in history.
 *
 * Each conversation is a lane: its next message goes out when the one before it has been
 * stored or refused, so their order is the order of writing. Whoever else has the same
 * outbox (another tab) may send the same: by its `client_id` it is stored once, and since
 * each goes in order, in that order.
 */
export class Outbox extends Cell<ReadonlyMap<string, readonly Pending[]>> implements Outgoing {
  readonly #link: Link;
  readonly #storage: OutboxStorage | null;
  readonly #chance: () => number;
  // Lanes under way, each with what ends its pause.
  readonly #lanes = new Map<string, (() => void) | null>();
  #loading: Promise<void> | null = null;
  #last = 0;

  constructor(link: Link, storage: OutboxStorage | null, chance = Math.random) {
    super(new Map());
    this.#link = link;
    this.#storage = storage;
    this.#chance = chance;
    link.on((event) => {
      // Acknowledged by another way: to another tab, or before the reply.
      if (event.type !== "message.created") return;
      const { sender_id, client_id } = event.data.message;
      if (client_id !== null && sender_id === link.userId) this.#settle(client_id);
    });
    link.onOnline(() => this.#flush());
  }

  /** Show what was left by an earlier life of the page, as soon as it is known whose. */
  load(userId: string): Promise<void> {
    this.#loading ??= this.#load(userId);
    return this.#loading;
  }

  send(conversationId: string, draft: Draft): Pending {
    if ([...this.#all()].length >= MOST_WAITING) {
      throw new Problem("rate_limited", `${MOST_WAITING} messages are waiting.`);
    }
    // In order also by this: no two at the same time.
    this.#last = Math.max(Date.now(), this.#last + 1);
    const pending: Pending = {
      clientId: uuid(),
      conversationId,
      draft,
      at: new Date(this.#last).toISOString(),
      state: "waiting",
      problem: null,
    };
    this.#change(conversationId, (lane) => [...lane, pending]);
    this.#keep(pending);
    this.#run(conversationId);
    return pending;
  }

  retry(clientId: string): void {
    const pending = this.#find(clientId);
    if (pending === undefined) return;
    const { conversationId } = pending;
    if (pending.state === "failed") {
      this.#keep(this.#set(pending, "waiting", null));
    }
    this.#lanes.get(conversationId)?.();
    this.#run(conversationId);
  }

  discard(clientId: string): void {
    if (this.#find(clientId)?.state === "failed") this.#settle(clientId);
  }

  /** Pause no longer: there is a reason to look again, or to end. */
  wake(): void {
    for (const wake of this.#lanes.values()) wake?.();
  }

  async #load(userId: string): Promise<void> {
    const stored = (await inTime(this.#storage?.load(userId))) ?? [];
    for (const { refusal, ...item } of [...stored].reverse()) {
      if (this.#find(item.clientId) !== undefined) continue;
      this.#last = Math.max(this.#last, Date.parse(item.at));
      const problem = refusal && Problem.from(refusal);
      const pending: Pending = { ...item, state: problem ? "failed" : "waiting", problem };
      // Before what this life has written already, whatever the clocks say.
      this.#change(item.conversationId, (lane) => [pending, ...lane]);
    }
    // What was written before it was known whose it is.
    for (const pending of this.#all()) this.#keep(pending);
  }

  async #flush(): Promise<void> {
    await this.load(this.#link.userId);
    for (const conversationId of this.get().keys()) this.#run(conversationId);
  }

  async #run(conversationId: string): Promise<void> {
    if (this.#lanes.has(conversationId) || this.#loading === null) return;
    this.#lanes.set(conversationId, null);
    const backoff = new Backoff({ chance: this.#chance });
    try {
      // What an earlier life has left goes first.
      await this.#loading;
      for (;;) {
        const next = this.#lane(conversationId).find((each) => each.state !== "failed");
        if (next === undefined || !this.#link.isOnline) return;
        const pauseMs = await this.#deliver(next, backoff);
        if (pauseMs > 0) await this.#pause(conversationId, pauseMs);
      }
    } finally {
      this.#lanes.delete(conversationId);
    }
  }

  /** Send one; gives how long to wait before the next attempt, if it may succeed later. */
  async #deliver(pending: Pending, backoff: Backoff): Promise<number> {
    this.#set(pending, "sending", null);
    try {
      const { message } = await this.#link.command("message.send", asCommand(pending));
      backoff.reset();
      this.#acknowledge(pending, message);
      return 0;
    } catch (error) {
      const problem = Problem.of(error);
      // Acknowledged meanwhile, by the event.
      if (this.#find(pending.clientId) === undefined) return 0;
      if (!problem.retry) {
        this.#keep(this.#set(pending, "failed", problem));
        return 0;
      }
      this.#set(pending, "waiting", null);
      return problem.code === "offline" ? 0 : backoff.next(problem.retryAfterMs ?? 0);
    }
  }

  #acknowledge(pending: Pending, message: Message): void {
    // The event came before the reply: everybody knows.
    if (this.#find(pending.clientId) === undefined) return;
    this.#link.tell({ type: "message.created", at: message.sent_at, data: { message } });
    this.#settle(pending.clientId);
  }

  #pause(conversationId: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#lanes.set(conversationId, null);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#lanes.set(conversationId, wake);
    });
  }

  /** Be done with one: it is stored, or given up. */
  #settle(clientId: string): void {
    const pending = this.#find(clientId);
    if (pending === undefined) return;
    this.#change(pending.conversationId, (lane) =>
      lane.filter((each) => each.clientId !== clientId),
    );
    inTime(this.#storage?.remove(this.#link.userId, clientId));
  }

  #set(pending: Pending, state: Pending["state"], problem: CallboardProblem | null): Pending {
    const changed = { ...pending, state, problem };
    this.#change(pending.conversationId, (lane) =>
      lane.map((each) => (each.clientId === pending.clientId ? changed : each)),
    );
    return changed;
  }

  #keep({ clientId, conversationId, draft, at, problem }: Pending): void {
    // Before it is known whose it is, it waits in memory only.
    if (this.#link.userId === "") return;
    const refusal = problem && refusalOf(problem);
    const item: Stored = { clientId, conversationId, draft, at, refusal };
    inTime(this.#storage?.put(this.#link.userId, item));
  }

  #change(conversationId: string, change: (lane: readonly Pending[]) => readonly Pending[]): void {
    const lanes = new Map(this.get());
    const lane = change(this.#lane(conversationId));
    if (lane.length > 0) lanes.set(conversationId, lane);
    else lanes.delete(conversationId);
    this.set(lanes);
  }

  #lane(conversationId: string): readonly Pending[] {
    return this.get().get(conversationId) ?? [];
  }

  *#all(): Iterable<Pending> {
    for (const lane of this.get().values()) yield* lane;
  }

  #find(clientId: string): Pending | undefined {
    for (const pending of this.#all()) if (pending.clientId === clientId) return pending;
    return undefined;
  }
}

function asCommand({ conversationId, clientId, draft }: Pending): Commands["message.send"]["data"] {
  return {
    conversation_id: conversationId,
    client_id: clientId,
    body: draft.body,
    attachments: [...(draft.attachments ?? [])],
    reply_to_id: draft.replyTo?.id ?? null,
    metadata: draft.metadata ?? {},
  };
}

/**
 * Wait for the storage, but not for ever; gives undefined where it fails or is late.
 *
 * A browser may have none to give (private mode, no space): messages then wait in memory,
 * as without it, and are sent all the same.
 */
function inTime<T>(work: Promise<T> | undefined): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, STORAGE_MS, undefined);
    const end = (value?: T) => {
      clearTimeout(timer);
      resolve(value);
    };
    if (work === undefined) end();
    else work.then(end, () => end());
  });
}
