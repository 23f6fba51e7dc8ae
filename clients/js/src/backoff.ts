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
  next(atLeastMs = 0): number {
    // Past 2^20 every sensible bound has been reached.
    const most = Math.min(this.#longestMs, this.#firstMs * 2 ** Math.min(this.#attempt++, 20));
    return atLeastMs + most * this.#chance();
  }

  reset(): void {
    this.#attempt = 0;
  }
}
