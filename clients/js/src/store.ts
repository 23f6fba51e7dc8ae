/** What can be looked at and listened to: the one shape of everything that changes. */
export interface Store<T> {
  /** The state as it is; the same object until it changes. */
  get(): T;
  /** Be called after each change; gives what ends it. */
  subscribe(listener: () => void): () => void;
}

/**
 * A store that its owner sets.
 *
 * Listeners are called once for all changes of a turn of the event loop, so that a resume
 * of a thousand events draws once; `get` is true at once.
 */
export class Cell<T> implements Store<T> {
  #state: T;
  #isTelling = false;
  readonly #listeners = new Set<() => void>();

  constructor(state: T) {
    this.#state = state;
  }

  /** Whether anybody looks. */
  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  readonly get = (): T => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    const isFirst = !this.isWatched;
    // One of its own, since the same listener may be given twice.
    const told = () => listener();
    this.#listeners.add(told);
    if (isFirst) this.onFirst?.();
    return () => this.#listeners.delete(told);
  };

  set(state: T): void {
    if (Object.is(state, this.#state)) return;
    this.#state = state;
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }

  update(change: (state: T) => T): void {
    this.set(change(this.#state));
  }

  /** Change some of the state; nobody is told where nothing differs. */
  patch(change: Partial<T>): void {
    const next = { ...this.#state, ...change };
    for (const key in change) {
      if (!Object.is(next[key], this.#state[key])) {
        this.set(next);
        return;
      }
    }
  }

  /** Called whenever somebody looks and nobody did before. */
  protected onFirst?(): void;
}
