// Past 2^31 milliseconds a timer ends at once.
const LONGEST_WISH_MS = 3_600_000;

/** So long does one wait because a server asks for it: an hour at the most, whatever it says. */
export function bounded(ms: number | null): number {
  // What is no number asks for nothing.
  return Math.min(Math.max(ms ?? 0, 0), LONGEST_WISH_MS) || 0;
}

/** How long to wait before the next attempt: doubled each time, with full jitter. */
export class Backoff {
  #attempt = 0;
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #chance: () => number;

  /** `chance` gives numbers in [0, 1); a test passes its own to know the delay. */
  constructor({ firstMs = 500, longestMs = 30_000, chance = Math.random } = {}) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#chance = chance;
  }

  /**
   * Give the milliseconds until the next attempt.
   *
   * `atLeastMs` is what the server asked for; the jitter comes on top of it, because it
   * asked the same of everybody.
   */
  next(atLeastMs: number | null = 0): number {
    const most = Math.min(this.#longestMs, this.#firstMs * 2 ** this.#attempt++);
    return bounded(atLeastMs) + most * this.#chance();
  }

  reset(): void {
    this.#attempt = 0;
  }
}
