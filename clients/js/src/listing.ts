import { Problem } from "./errors.js";
import { ignore } from "./lists.js";
import { Cell } from "./store.js";
import type { CallboardProblem } from "./types.js";
import type { Wire } from "./wire.js";

const PAGE = 50;
const MOST = 200;

interface Loading {
  items: readonly unknown[];
  isLoaded: boolean;
  isLoading?: boolean;
  hasMore?: boolean;
  problem: CallboardProblem | null;
}

/** A list that is fetched when somebody looks, and again when changes were missed. */
export abstract class Listing<T extends Loading> extends Cell<T> {
  protected readonly wire: Wire;
  /** The list reaches down to here: the key of the last of the last page, "" at the end. */
  protected edge: string | null = null;
  #next: string | null = null;
  #loading: Promise<void> | null = null;

  constructor(wire: Wire, state: T) {
    super(state);
    this.wire = wire;
    wire.onOnline(async (isAnew) => {
      if (this.get().isLoaded ? !isAnew : !this.isWatched) return;
      // What is under way may have been answered before.
      await this.#loading?.catch(ignore);
      await this.#bring(false);
    });
  }

  async load(): Promise<void> {
    if (!this.get().isLoaded) await this.#bring(false).catch(ignore);
  }

  async more(): Promise<void> {
    const { isLoaded, hasMore } = this.get();
    if (hasMore || !isLoaded) await this.#bring(isLoaded).catch(ignore);
  }

  protected override onFirst(): void {
    this.load();
  }

  protected get isBusy(): boolean {
    return this.#loading !== null;
  }

  /** Fetch the next page, or the first anew. */
  protected abstract fetch(isMore: boolean): Promise<void>;

  /** What to ask for: as much as is shown, or what comes after it. */
  protected query(isMore: boolean): { limit: number; next: string | null } {
    const limit = isMore ? PAGE : Math.min(MOST, Math.max(PAGE, this.get().items.length));
    return { limit, next: isMore ? this.#next : null };
  }

  /** Note how far a page reaches; `last` is the key of its last item. */
  protected turn(next: string | null, last: string | undefined): void {
    this.#next = next;
    this.edge = next === null ? "" : (last ?? "");
    this.#say({ hasMore: next !== null });
  }

  #bring(isMore: boolean): Promise<void> {
    this.#loading ??= this.#load(isMore).finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #load(isMore: boolean): Promise<void> {
    this.#say({ isLoading: true });
    try {
      await this.fetch(isMore);
      this.#say({ isLoaded: true, isLoading: false, problem: null });
    } catch (error) {
      this.#say({ isLoading: false, problem: Problem.of(error) });
      throw error;
    }
  }

  #say(change: Partial<Loading>): void {
    this.patch({ ...this.get(), ...change });
  }
}
