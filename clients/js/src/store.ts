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

  readonly get = (): T => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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
}
