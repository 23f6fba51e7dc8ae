import { Backoff } from "./backoff.js";
import { Problem } from "./errors.js";
import { chunksOf } from "./inbox.js";
import { Cell } from "./store.js";
import type { PresenceBoard, PresenceEntry } from "./types.js";
import type { Wire } from "./wire.js";

const TOGETHER = 100;
// The server watches so many for a session.
const WATCHED = 500;
// A list that is drawn anew lets go of people and takes them again in a moment.
const GATHER_MS = 100;

type Status = "online" | "away" | "invisible";

export class PresenceStore implements PresenceBoard {
  readonly get: () => ReadonlyMap<string, PresenceEntry>;
  readonly subscribe: (listener: () => void) => () => void;
  readonly #people = new Cell<ReadonlyMap<string, PresenceEntry>>(new Map());
  readonly #wire: Wire;
  readonly #backoff = new Backoff();
  readonly #counts = new Map<string, number>();
  // Whom the server has been asked to watch, in this session.
  #watched = new Set<string>();
  #status: Status = "online";
  #told: Status = "online";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isBusy = false;

  constructor(wire: Wire) {
    this.#wire = wire;
    this.get = this.#people.get;
    this.subscribe = this.#people.subscribe;
    wire.on(({ type, data }) => {
      if (type !== "presence" || !this.#counts.has(data.user_id)) return;
      this.#people.update((people) => new Map(people).set(data.user_id, data));
    });
    wire.onOnline(() => {
      // A session begins anew: it watches nobody, and says that one is there.
      this.#watched = new Set();
      this.#told = "online";
      this.#plan(0);
    });
  }

  watch(userIds: Iterable<string>): () => void {
    const ids = [...new Set(userIds)];
    for (const id of ids) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    this.#plan(GATHER_MS);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      for (const id of ids) {
        const count = (this.#counts.get(id) ?? 1) - 1;
        if (count > 0) this.#counts.set(id, count);
        else this.#counts.delete(id);
      }
      this.#plan(GATHER_MS);
    };
  }

  async set(status: Status): Promise<void> {
    // Kept first: whoever wants to be invisible is not to be seen after a reconnect.
    this.#status = status;
    await this.#tell();
  }

  async #tell(): Promise<void> {
    const status = this.#status;
    await this.#wire.command("presence.set", { status });
    this.#told = status;
  }

  #plan(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // After the next greeting it is done from the beginning.
      if (this.#wire.isOnline && !this.#isBusy) this.#settle();
    }, ms);
  }

  /** Whom to watch from now on, and whom no more. */
  #due(): { come: string[]; gone: string[] } {
    // Whoever is beyond the bound waits.
    const wanted = [...this.#counts.keys()].slice(0, WATCHED);
    const isWanted = new Set(wanted);
    return {
      come: wanted.filter((id) => !this.#watched.has(id)),
      gone: [...this.#watched].filter((id) => !isWanted.has(id)),
    };
  }

  /** Say how one is there, and watch whom somebody looks at, and nobody else. */
  async #settle(): Promise<void> {
    this.#isBusy = true;
    const watched = this.#watched;
    let pauseMs = GATHER_MS;
    let isRefused = false;
    try {
      if (this.#told !== this.#status) await this.#tell();
      const { come, gone } = this.#due();
      for (const ids of chunksOf(gone, TOGETHER)) {
        await this.#wire.command("presence.unwatch", { user_ids: ids });
        for (const id of ids) watched.delete(id);
        this.#put(ids, []);
      }
      for (const ids of chunksOf(come, TOGETHER)) {
        const { presence } = await this.#wire.command("presence.watch", { user_ids: ids });
        for (const id of ids) watched.add(id);
        // Whom one may not know is not answered.
        this.#put(ids, presence);
      }
      this.#backoff.reset();
    } catch (error) {
      const { retry, retryAfterMs } = Problem.of(error);
      pauseMs = this.#backoff.next(retryAfterMs ?? 0);
      isRefused = !retry;
    }
    this.#isBusy = false;
    const { come, gone } = this.#due();
    if (!isRefused && come.length + gone.length > 0) this.#plan(pauseMs);
  }

  #put(ids: readonly string[], entries: readonly PresenceEntry[]): void {
    const people = new Map(this.get());
    for (const id of ids) people.delete(id);
    for (const entry of entries) people.set(entry.user_id, entry);
    this.#people.set(people);
  }
}
