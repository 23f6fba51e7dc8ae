import { Backoff } from "./backoff.js";
import { Problem } from "./errors.js";
import type { Wire } from "./wire.js";

// Scrolling reads many messages in a moment, and the last one says it all.
const GATHER_MS = 250;

/**
 * Tells the server how far one has read and received.
 *
 * One command at a time, the newest of each conversation; told again after a fault, and
 * forgotten where it is refused for good.
 */
export class Receipts {
  readonly #wire: Wire;
  readonly #backoff = new Backoff();
  readonly #due = new Map<string, { read: number; delivered: number }>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isBusy = false;

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.onOnline(() => this.#plan(0));
  }

  /** Whether something has not been told yet. */
  get isDue(): boolean {
    return this.#due.size > 0;
  }

  read(conversationId: string, seq: number): void {
    this.#add(conversationId, seq, 0);
  }

  delivered(conversationId: string, seq: number): void {
    this.#add(conversationId, 0, seq);
  }

  #add(conversationId: string, read: number, delivered: number): void {
    const due = this.#due.get(conversationId) ?? { read: 0, delivered: 0 };
    this.#due.set(conversationId, {
      read: Math.max(due.read, read),
      delivered: Math.max(due.delivered, delivered),
    });
    if (this.#timer === undefined) this.#plan(GATHER_MS);
  }

  #plan(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#isBusy) this.#flush();
    }, ms);
  }

  async #flush(): Promise<void> {
    this.#isBusy = true;
    for (const [id, due] of this.#due) {
      // The next greeting begins it again.
      if (!this.#wire.isOnline) break;
      try {
        await this.#tell(id, due);
        this.#backoff.reset();
      } catch (error) {
        const problem = Problem.of(error);
        if (problem.retry) {
          this.#plan(this.#backoff.next(problem.retryAfterMs ?? 0));
          break;
        }
        // One may no longer read there; nobody waits to hear it.
      }
      if (this.#due.get(id) === due) this.#due.delete(id);
    }
    this.#isBusy = false;
    if (this.#due.size > 0 && this.#timer === undefined && this.#wire.isOnline) {
      this.#plan(GATHER_MS);
    }
  }

  async #tell(id: string, { read, delivered }: { read: number; delivered: number }): Promise<void> {
    if (read > 0) await this.#wire.command("conversation.read", { conversation_id: id, seq: read });
    // What is read has been delivered.
    if (delivered > read) {
      await this.#wire.command("conversation.delivered", { conversation_id: id, seq: delivered });
    }
  }
}
