import type { Callboard } from "@callboard/client";
import type { Spot } from "./place.js";

/** So many conversations' places are remembered. */
const REMEMBERED = 100;

/** Where one was in each conversation, for as long as the page is open. */
export class Spots {
  readonly #spots = new Map<string, Spot>();

  /** The places of a client; the same object each time. */
  static of(client: Callboard): Spots {
    const known = ofClients.get(client) ?? new Spots();
    ofClients.set(client, known);
    return known;
  }

  /** Null for the end. */
  get(conversationId: string): Spot | null {
    return this.#spots.get(conversationId) ?? null;
  }

  set(conversationId: string, spot: Spot | null): void {
    this.#spots.delete(conversationId);
    if (spot !== null) this.#spots.set(conversationId, spot);
    const [oldest] = this.#spots.keys();
    if (this.#spots.size > REMEMBERED && oldest !== undefined) this.#spots.delete(oldest);
  }
}

const ofClients = new WeakMap<Callboard, Spots>();
