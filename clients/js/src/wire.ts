import type { CallOptions, Calls, Commands, Told } from "./types.js";

/** What the stores stand on: the connection, without its how. */
export interface Wire {
  /** Who one is; empty until the first greeting. */
  readonly userId: string;
  command<K extends keyof Commands>(
    type: K,
    data: Commands[K]["data"],
  ): Promise<Commands[K]["ok"]>;
  call<K extends keyof Calls>(what: K, options?: CallOptions<K>): Promise<Calls[K]["answer"]>;
  /** Hear each event, in the order in which it came; some come twice. */
  on(listener: (event: Told) => void): () => void;
  /**
   * Be told after each greeting, when commands are taken again.
   *
   * `isAnew` means that changes were missed that no event will tell: fetch again what is
   * shown. Without it, all that was missed follows as events.
   */
  onOnline(listener: (isAnew: boolean) => void): () => void;
}
