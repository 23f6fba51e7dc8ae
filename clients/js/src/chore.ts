import { Backoff } from "./backoff.js";
import { Problem } from "./errors.js";

/**
 * What is done in the background when there is a reason: one at a time, and again after a
 * fault that may pass.
 */
export class Chore {
  readonly #gatherMs: number;
  readonly #work: () => Promise<boolean>;
  readonly #backoff: Backoff;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isBusy = false;

  /** `work` says whether more is left of it; reasons within `gatherMs` are one. */
  constructor(gatherMs: number, work: () => Promise<boolean>, backoff = new Backoff()) {
    this.#gatherMs = gatherMs;
    this.#work = work;
    this.#backoff = backoff;
  }

  /** Do it in a moment, if it is not to be done already. */
  plan(ms = this.#gatherMs): void {
    this.#timer ??= setTimeout(() => this.begin(), ms);
  }

  /** Do it again after a while, if what went wrong may succeed later. */
  planAfter(error: unknown): void {
    const { retry, retryAfterMs } = Problem.of(error);
    if (retry) this.plan(this.#backoff.next(retryAfterMs));
  }

  /** Do it now, unless it waits after a fault. */
  start(): void {
    if (this.#timer === undefined) this.begin();
  }

  /** Do it now, however long it was to wait; not where it is being done. */
  async begin(): Promise<void> {
    this.stop();
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      const isLeft = await this.#work();
      this.#backoff.reset();
      if (isLeft) this.plan();
    } catch (error) {
      this.planAfter(error);
    }
    this.#isBusy = false;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
