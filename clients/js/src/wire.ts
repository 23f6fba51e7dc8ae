import type { Store } from "./store.js";
import type { CallOptions, Calls, Commands, Draft, Pending, Told } from "./types.js";

/** What the stores stand on: the connection, without its how. */
export interface Wire {
  /** Who one is; empty until the first greeting. */
  readonly userId: string;
  /** Whether commands are taken right now. */
  readonly isOnline: boolean;
  readonly outbox: Outgoing;
  /**
   * Send a command, once.
   *
   * Waits for a connection that may come within the ten seconds that a reply may take;
   * rejects at once, with `offline`, where none will.
   */
  command<K extends keyof Commands>(type: K, data: Commands[K]["data"]): Promise<Commands[K]["ok"]>;
  call<K extends keyof Calls>(what: K, options?: CallOptions<K>): Promise<Calls[K]["answer"]>;
  /** Hear each event, in the order in which it came; some come twice. */
  on(listener: (event: Told) => void): () => void;
  /**
   * Be told after each greeting, when commands are taken again.
   *
   * `isAnew` means that changes were missed that no event will tell: fetch again what is
   * shown. Without it, all that was missed follows as events.
   *
   * Give a promise of the fetching: until it is fulfilled, everything counts as missed, also
   * over the next greetings; where it is rejected by what may succeed later, `isAnew` comes
   * again by itself.
   */
  onOnline(listener: (isAnew: boolean) => void | Promise<void>): () => void;
}

/**
 * What waits to be sent, oldest first, by conversation; one without is not there.
 *
 * What the server has acknowledged is heard as `message.created` first, and gone here in
 * the same turn, so that no view shows it twice or not at all.
 */
export interface Outgoing extends Store<ReadonlyMap<string, readonly Pending[]>> {
  /** Throws `rate_limited` where a thousand wait already. */
  send(conversationId: string, draft: Draft): Pending;
  retry(clientId: string): void;
  discard(clientId: string): void;
}
