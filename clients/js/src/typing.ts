import { ignore } from "./lists.js";
import { Cell } from "./store.js";
import type { Wire } from "./wire.js";

// The contract's: who says nothing more has stopped.
const LAPSE_MS = 6000;
// Said again before it lapses, and taken back when nothing was typed for as long.
const REPEAT_MS = 3000;
const IDLE_MS = 5000;

type Timer = ReturnType<typeof setTimeout>;

/** Who else is typing, by conversation, in the order in which they began. */
export class Typists extends Cell<ReadonlyMap<string, readonly string[]>> {
  readonly #timers = new Map<string, Timer>();

  constructor(wire: Wire) {
    super(new Map());
    wire.on(({ type, data }) => {
      if (type === "typing" && data.user_id !== wire.userId) {
        this.#hear(data.conversation_id, data.user_id, data.active);
      } else if (type === "message.created") {
        const { conversation_id, sender_id } = data.message;
        if (sender_id) this.#hear(conversation_id, sender_id, false);
      }
    });
  }

  in(conversationId: string): readonly string[] {
    return this.get().get(conversationId) ?? NOBODY;
  }

  #hear(conversationId: string, userId: string, isActive: boolean): void {
    const key = `${conversationId} ${userId}`;
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    if (isActive) {
      const lapse = () => this.#hear(conversationId, userId, false);
      this.#timers.set(key, setTimeout(lapse, LAPSE_MS));
    }
    const before = this.in(conversationId);
    if (before.includes(userId) === isActive) return;
    const after = isActive ? [...before, userId] : before.filter((each) => each !== userId);
    const next = new Map(this.get());
    if (after.length > 0) next.set(conversationId, after);
    else next.delete(conversationId);
    this.set(next);
  }
}

const NOBODY: readonly string[] = [];

/** Tells that oneself is typing in a conversation, and no longer. */
export class TypingSender {
  readonly #wire: Wire;
  readonly #conversationId: string;
  #toldAt = 0;
  #idle: Timer | undefined;

  constructor(wire: Wire, conversationId: string) {
    this.#wire = wire;
    this.#conversationId = conversationId;
  }

  /** Call it at each keystroke. */
  start(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stop(), IDLE_MS);
    if (Date.now() - this.#toldAt < REPEAT_MS) return;
    this.#toldAt = Date.now();
    this.#tell(true);
  }

  stop(): void {
    if (this.#idle !== undefined) this.#tell(false);
    this.sent();
  }

  /** A message went out, which says by itself that one has stopped. */
  sent(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    this.#toldAt = 0;
  }

  #tell(active: boolean): void {
    // Whoever is offline types for nobody; and no harm is done where this is not heard.
    if (!this.#wire.isOnline) return;
    this.#wire.command("typing", { conversation_id: this.#conversationId, active }).catch(ignore);
  }
}
