import { Backoff } from "./backoff.js";
import { Chore } from "./chore.js";
import { Problem, refusalOf, TOO_MUCH } from "./errors.js";
import { uuid } from "./ids.js";
import { within } from "./patience.js";
import { Cell } from "./store.js";
import type {
  CallboardProblem,
  Commands,
  Draft,
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
  readonly #senders = new Map<string, Chore>();
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
    if (this.#all().length >= MOST_WAITING) {
      throw new Problem("rate_limited", TOO_MUCH);
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
    this.#sender(conversationId).start();
    return pending;
  }

  retry(clientId: string): void {
    const pending = this.#find(clientId);
    if (!pending) return;
    if (pending.state === "failed") this.#keep(this.#set(pending, "waiting"));
    this.#sender(pending.conversationId).begin();
  }

  discard(clientId: string): void {
    if (this.#find(clientId)?.state === "failed") this.#settle(clientId);
  }

  /** Pause no longer: there is a reason to look again, or to end. */
  wake(): void {
    for (const sender of this.#senders.values()) sender.begin();
  }

  async #load(userId: string): Promise<void> {
    // Written before it was known whose it is.
    const early = this.#all();
    const stored = (await this.#store((storage) => storage.load(userId))) ?? [];
    for (const { refusal, ...item } of [...stored].reverse()) {
      if (this.#find(item.clientId)) continue;
      this.#last = Math.max(this.#last, Date.parse(item.at));
      const problem = refusal && Problem.from(refusal);
      const pending: Pending = { ...item, state: problem ? "failed" : "waiting", problem };
      // Before what this life has written already, whatever the clocks say.
      this.#change(item.conversationId, (lane) => [pending, ...lane]);
    }
    for (const pending of early) this.#keep(pending);
  }

  async #flush(): Promise<void> {
    await this.load(this.#link.userId);
    for (const conversationId of this.get().keys()) this.#sender(conversationId).begin();
  }

  /** What sends the messages of one conversation. */
  #sender(conversationId: string): Chore {
    const known = this.#senders.get(conversationId);
    const work = () => this.#deliverAll(conversationId);
    const sender = known ?? new Chore(0, work, new Backoff({ chance: this.#chance }));
    this.#senders.set(conversationId, sender);
    return sender;
  }

  async #deliverAll(conversationId: string): Promise<boolean> {
    // What an earlier life has left goes first.
    await this.#loading;
    for (;;) {
      const next = this.#lane(conversationId).find((each) => each.state !== "failed");
      if (!next) this.#senders.delete(conversationId);
      if (!next || !this.#link.isOnline || this.#loading === null) return false;
      await this.#deliver(next);
    }
  }

  /** Send one; throws what may succeed later. */
  async #deliver(pending: Pending): Promise<void> {
    this.#set(pending, "sending");
    try {
      const { message } = await this.#link.command("message.send", asCommand(pending));
      // Unless the event came before the reply, everybody is to hear of it, this one too.
      if (this.#find(pending.clientId)) {
        this.#link.tell({ type: "message.created", at: message.sent_at, data: { message } });
      }
    } catch (error) {
      const problem = Problem.of(error);
      // Acknowledged meanwhile, by the event.
      if (this.#find(pending.clientId) === undefined) return;
      if (!problem.retry) {
        this.#keep(this.#set(pending, "failed", problem));
        return;
      }
      this.#set(pending, "waiting");
      throw problem;
    }
  }

  /** Be done with one: it is stored, or given up. */
  #settle(clientId: string): void {
    const pending = this.#find(clientId);
    if (!pending) return;
    this.#change(pending.conversationId, (lane) =>
      lane.filter((each) => each.clientId !== clientId),
    );
    this.#store((storage) => storage.remove(this.#link.userId, clientId));
  }

  #set(
    pending: Pending,
    state: Pending["state"],
    problem: CallboardProblem | null = null,
  ): Pending {
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
    this.#store((storage) => storage.put(this.#link.userId, item));
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

  #all(): Pending[] {
    return [...this.get().values()].flat();
  }

  #find(clientId: string): Pending | undefined {
    return this.#all().find((each) => each.clientId === clientId);
  }

  /**
   * Use the storage, but do not wait for ever; gives undefined where it fails or is late.
   *
   * A browser may have none to give (private mode, no space): messages then wait in memory,
   * as without it, and are sent all the same.
   */
  #store<T>(use: (storage: OutboxStorage) => Promise<T>): Promise<T | undefined> {
    const storage = this.#storage;
    if (storage === null) return Promise.resolve(undefined);
    return within<T | undefined>(STORAGE_MS, () => use(storage)).catch(() => undefined);
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
