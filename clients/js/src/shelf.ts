import { Cell, type Store } from "./store.js";

/** A store that knows whether anybody looks: what is looked at is loaded and kept fresh. */
export class Shelf<T> implements Store<T> {
  readonly get: () => T;
  readonly #cell: Cell<T>;
  readonly #onFirst: () => void;
  #watchers = 0;

  /** `onFirst` is called whenever somebody looks and nobody did before. */
  constructor(state: T, onFirst: () => void) {
    this.#cell = new Cell(state);
    this.get = this.#cell.get;
    this.#onFirst = onFirst;
  }

  get isWatched(): boolean {
    return this.#watchers > 0;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const end = this.#cell.subscribe(listener);
    let isOver = false;
    this.#watchers += 1;
    if (this.#watchers === 1) this.#onFirst();
    return () => {
      end();
      if (!isOver) this.#watchers -= 1;
      isOver = true;
    };
  };

  /** Change some of the state; nobody is told where nothing differs. */
  patch(change: Partial<T>): void {
    const state = this.#cell.get();
    const next = { ...state, ...change };
    for (const key in change) {
      if (!Object.is(next[key], state[key])) {
        this.#cell.set(next);
        return;
      }
    }
  }
}
