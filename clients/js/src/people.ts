import { Chore } from "./chore.js";
import { Problem } from "./errors.js";
import type { Profile } from "./generated/contract.js";
import { chunksOf, forgetOldest } from "./lists.js";
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
  readonly #wanted = new Set<string>();
  readonly #fetchedAt = new Map<string, number>();
  #fetching: Promise<boolean> | null = null;
  readonly #chore = new Chore(GATHER_MS, () => {
    this.#fetching = this.#fetch();
    return this.#fetching;
  });

  constructor(wire: Wire) {
    super(new Map());
    this.#wire = wire;
    wire.onOnline(() => this.#begin());
  }

  want(userIds: Iterable<string>): void {
    for (const id of userIds) {
      if (Date.now() - (this.#fetchedAt.get(id) ?? 0) > FRESH_MS) this.#wanted.add(id);
    }
    this.#begin();
  }

  async find(userId: string): Promise<Profile | null> {
    this.want([userId]);
    await this.#fetching;
    return this.get().get(userId) ?? null;
  }

  #begin(): void {
    if (this.#wanted.size > 0) this.#chore.begin();
  }

  async #fetch(): Promise<boolean> {
    try {
      while (this.#wanted.size > 0) {
        // What is drawn together is asked for together.
        await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
        for (const ids of chunksOf([...this.#wanted], TOGETHER)) await this.#ask(ids);
      }
    } catch (error) {
      if (!Problem.of(error).retry) this.#wanted.clear();
      throw error;
    }
    return false;
  }

  async #ask(ids: readonly string[]): Promise<void> {
    const { items } = await this.#wire.call("GET /v1/users", { query: { ids: [...ids] } });
    const found = new Map(items.map((each) => [each.id, each]));
    const people = new Map(this.get());
    for (const id of ids) {
      // Put last: who was wanted longest ago goes first.
      people.delete(id);
      people.set(id, found.get(id) ?? null);
      this.#wanted.delete(id);
      this.#fetchedAt.set(id, Date.now());
    }
    forgetOldest(people, KEPT);
    for (const id of this.#fetchedAt.keys()) if (!people.has(id)) this.#fetchedAt.delete(id);
    this.set(people);
  }
}
