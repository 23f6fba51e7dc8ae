import { Problem, recordOf, SOMEBODY_ELSE } from "./errors.js";
import { within } from "./patience.js";
import type { TokenSource } from "./types.js";

const MARGIN_MS = 60_000;
// A token that lives for minutes only would be due at once by the whole margin.
const LAST_PART = 0.2;
const PATIENCE_MS = 30_000;

/**
 * Holds the token and fetches the next one in time; one fetch at a time.
 *
 * A client is one person's: a token of somebody else is refused with `forbidden`, so that
 * nobody is shown, or sends, what belongs to the one before.
 */
export class Tokens {
  /** Whether a new token can be had at all. */
  readonly canRenew: boolean;
  readonly #source: TokenSource;
  #token: string | null = null;
  #userId: string | null = null;
  #dueAt: number | null = null;
  #fetching: Promise<string> | null = null;
  // What the server's clock is ahead of this one.
  #aheadMs = 0;

  constructor(source: TokenSource) {
    this.#source = source;
    this.canRenew = typeof source !== "string";
    if (typeof source === "string") this.#take(source);
  }

  /** Give a token that holds for a while, fetched where needed; what the source throws goes through. */
  async current(): Promise<string> {
    const source = this.#source;
    if (typeof source === "string") return source;
    if (this.#token !== null && this.dueInMs() !== 0) return this.#token;
    this.#fetching ??= within(PATIENCE_MS, source)
      .then((token) => this.#take(token))
      .finally(() => {
        this.#fetching = null;
      });
    return this.#fetching;
  }

  /** Drop a token that the server has refused; says whether another can be had. */
  forget(token = this.#token): boolean {
    if (this.canRenew && token === this.#token) this.#token = null;
    return this.canRenew;
  }

  /** Tell when the next token is due, null where this one never says. */
  dueInMs(): number | null {
    return this.#dueAt && Math.max(0, this.#dueAt - this.#now());
  }

  /** Learn the server's time, by which tokens expire. */
  tell(serverTime: string): void {
    const ahead = Date.parse(serverTime) - Date.now();
    if (Number.isFinite(ahead)) this.#aheadMs = ahead;
  }

  #now(): number {
    return Date.now() + this.#aheadMs;
  }

  #take(token: string): string {
    const { sub, exp } = claimsOf(token);
    if (typeof sub === "string") {
      if (this.#userId !== null && sub !== this.#userId) {
        throw new Problem("forbidden", SOMEBODY_ELSE);
      }
      this.#userId = sub;
    }
    this.#token = token;
    this.#dueAt = null;
    if (typeof exp === "number") {
      const left = exp * 1000 - this.#now();
      this.#dueAt = exp * 1000 - Math.min(MARGIN_MS, left * LAST_PART);
    }
    return token;
  }
}

/** Read what a JWT says, without judging whether it is genuine; `{}` where it is none. */
function claimsOf(token: string): Record<string, unknown> {
  const payload = token.split(".")[1] ?? "";
  return recordOf(() => atob(payload.replace(/-/g, "+").replace(/_/g, "/")));
}
