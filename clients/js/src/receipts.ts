import { Chore } from "./chore.js";
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
  readonly #due = new Map<string, { read: number; delivered: number }>();
  readonly #telling = new Chore(GATHER_MS, () => this.#tell());

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.onOnline(() => this.#telling.begin());
  }

  /** Whether something has not been told yet. */
  get isDue(): boolean {
    return this.#due.size > 0;
  }

  /** Tell, in a moment, that one has read and received so far. */
  add(conversationId: string, read: number, delivered: number): void {
    const due = this.#due.get(conversationId);
    this.#due.set(conversationId, {
      read: Math.max(due?.read ?? 0, read),
      delivered: Math.max(due?.delivered ?? 0, delivered),
    });
    this.#telling.plan();
  }

  async #tell(): Promise<boolean> {
    const wire = this.#wire;
    for (const [id, due] of this.#due) {
      // The next greeting begins it again.
      if (!wire.isOnline) return false;
      const { read, delivered } = due;
      const said = { conversation_id: id };
      try {
        if (read > 0) await wire.command("conversation.read", { ...said, seq: read });
        // What is read has been delivered.
        if (delivered > read) {
          await wire.command("conversation.delivered", { ...said, seq: delivered });
        }
      } catch (error) {
        // Where one may no longer read, nobody waits to hear it.
        if (Problem.of(error).retry) throw error;
      }
      if (this.#due.get(id) === due) this.#due.delete(id);
    }
    return this.isDue;
  }
}
