import { Backoff } from "./backoff.js";
import { forgetOldest } from "./entry.js";
import { Problem } from "./errors.js";
import type { Profile } from "./generated/contract.js";
import { chunksOf } from "./inbox.js";
import { Cell } from "./store.js";
import type { People } from "./types.js";
import type { Wire } from "./wire.js";

const TOGETHER = 100;
const GATHER_MS = 10;
const KEPT = 2000;
// Names change now and then: whoever is wanted again after this is asked for again.
const FRESH_MS = 10 * 60_000;

export class PeopleStore extends Cell<ReadonlyMap<string, Profile | null>> implements People {
  readonly #wire: Wire;
  readonly #backoff = new Backoff();
  readonly #wanted = new Set<string>();
  readonly #fetchedAt = new Map<string, number>();
  #fetching: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(wire: Wire) {
    super(new Map());
    this.#wire = wire;
    wire.onOnline(() => this.#begin());
  }

  want(userIds: Iterable<string>): void {
    for (const id of userIds) {
      const at = this.#fetchedAt.get(id);
      if (at === undefined || performance.now() - at > FRESH_MS) this.#wanted.add(id);
    }
    this.#begin();
  }

  async find(userId: string): Promise<Profile | null> {
    this.want([userId]);
    // What is being fetched may have begun without this one.
    for (let i = 0; i < 2 && !this.get().has(userId); i++) await this.#fetching;
    return this.get().get(userId) ?? null;
  }

  #begin(): void {
    if (this.#wanted.size === 0 || this.#fetching !== null) return;
    clearTimeout(this.#timer);
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = null;
    });
    this.#fetching.then(
      () => {
        this.#backoff.reset();
        this.#begin();
      },
      (error: unknown) => {
        const { retry, code, retryAfterMs } = Problem.of(error);
        if (!retry) this.#wanted.clear();
        // The next greeting begins it again.
        else if (code !== "offline") this.#later(this.#backoff.next(retryAfterMs ?? 0));
      },
    );
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => this.#begin(), ms);
  }

  async #fetch(): Promise<void> {
    // What is drawn together is asked for together.
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    for (const ids of chunksOf([...this.#wanted], TOGETHER)) {
      const { items } = await this.#wire.call("GET /v1/users", { query: { ids } });
      const found = new Map(items.map((each) => [each.id, each]));
      const people = new Map(this.get());
      for (const id of ids) {
        // Put last: who was wanted longest ago goes first.
        people.delete(id);
        people.set(id, found.get(id) ?? null);
        this.#wanted.delete(id);
        this.#fetchedAt.set(id, performance.now());
      }
      forgetOldest(people, KEPT);
      for (const id of this.#fetchedAt.keys()) if (!people.has(id)) this.#fetchedAt.delete(id);
      this.set(people);
    }
  }
}
