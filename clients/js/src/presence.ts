import { Chore } from "./chore.js";
import { chunksOf } from "./lists.js";
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
  readonly #settling = new Chore(GATHER_MS, () => this.#settle());
  readonly #counts = new Map<string, number>();
  // Whom the server has been asked to watch, in this session.
  #watched = new Set<string>();
  #status: Status = "online";
  #told: Status = "online";

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
      this.#settling.begin();
    });
  }

  watch(userIds: Iterable<string>): () => void {
    const ids = [...new Set(userIds)];
    for (const id of ids) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    this.#settling.plan();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      for (const id of ids) {
        const count = (this.#counts.get(id) ?? 1) - 1;
        if (count > 0) this.#counts.set(id, count);
        else this.#counts.delete(id);
      }
      this.#settling.plan();
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

  /** Whom to watch from now on, and whom no more. */
  #due(): { come: string[]; gone: string[] } {
    // Whoever is beyond the bound waits.
    const wanted = new Set([...this.#counts.keys()].slice(0, WATCHED));
    return {
      come: [...wanted].filter((id) => !this.#watched.has(id)),
      gone: [...this.#watched].filter((id) => !wanted.has(id)),
    };
  }

  /** Say how one is there, and watch whom somebody looks at, and nobody else. */
  async #settle(): Promise<boolean> {
    const wire = this.#wire;
    // After the next greeting it is done from the beginning.
    if (!wire.isOnline) return false;
    const watched = this.#watched;
    if (this.#told !== this.#status) await this.#tell();
    const { come, gone } = this.#due();
    for (const ids of chunksOf(gone, TOGETHER)) {
      await wire.command("presence.unwatch", { user_ids: ids });
      for (const id of ids) watched.delete(id);
      this.#put(ids, []);
    }
    for (const ids of chunksOf(come, TOGETHER)) {
      const { presence } = await wire.command("presence.watch", { user_ids: ids });
      for (const id of ids) watched.add(id);
      // Whom one may not know is not answered.
      this.#put(ids, presence);
    }
    const left = this.#due();
    return left.come.length + left.gone.length > 0;
  }

  #put(ids: readonly string[], entries: readonly PresenceEntry[]): void {
    this.#people.update((before) => {
      const people = new Map(before);
      for (const id of ids) people.delete(id);
      for (const entry of entries) people.set(entry.user_id, entry);
      return people;
    });
  }
}
