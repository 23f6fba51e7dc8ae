import { compare } from "./entry.js";
import { Problem } from "./errors.js";
import type { Connection } from "./generated/contract.js";
import { Shelf } from "./shelf.js";
import type { Calls, Connections, ConnectionsState, Told } from "./types.js";
import type { Wire } from "./wire.js";

const PAGE = 200;
// Ten thousand of each; who has more asks for the rest by `call`.
const PAGES = 50;

// Between two changes in the same millisecond, the one further along came later.
const PROGRESS: Readonly<Record<Connection["status"], number>> = {
  pending: 0,
  accepted: 1,
  rejected: 1,
  withdrawn: 1,
  removed: 2,
};

export class ConnectionStore implements Connections {
  readonly get: () => ConnectionsState;
  readonly subscribe: (listener: () => void) => () => void;
  readonly #wire: Wire;
  readonly #shelf: Shelf<ConnectionsState>;
  #known = new Map<string, Connection>();
  #told = new Set<string>();
  #loading: Promise<void> | null = null;

  constructor(wire: Wire) {
    this.#wire = wire;
    this.#shelf = new Shelf<ConnectionsState>(
      { items: [], blocked: new Set(), isLoaded: false, problem: null },
      () => this.load(),
    );
    this.get = this.#shelf.get;
    this.subscribe = this.#shelf.subscribe;
    wire.on((event) => this.#hear(event));
    wire.onOnline(async (isAnew) => {
      const { isLoaded } = this.get();
      if (!(isLoaded || this.#shelf.isWatched) || (isLoaded && !isAnew)) return;
      // What is under way may have been answered before.
      await this.#loading?.catch(ignore);
      await this.#load();
    });
  }

  load(): Promise<void> {
    return this.get().isLoaded ? Promise.resolve() : this.#load().catch(ignore);
  }

  with(userId: string): Connection | null {
    let newest: Connection | null = null;
    for (const each of this.#known.values()) {
      if (each.requester_id !== userId && each.recipient_id !== userId) continue;
      if (newest === null || each.updated_at > newest.updated_at) newest = each;
    }
    return newest;
  }

  async request(userId: string, note?: string): Promise<Connection> {
    const asked = { user_id: userId, message: note ?? null };
    const { connection } = await this.#wire.command("connection.request", asked);
    this.#take(connection);
    return connection;
  }

  accept(connectionId: string): Promise<void> {
    return this.#move("connection.accept", connectionId);
  }

  reject(connectionId: string): Promise<void> {
    return this.#move("connection.reject", connectionId);
  }

  withdraw(connectionId: string): Promise<void> {
    return this.#move("connection.withdraw", connectionId);
  }

  remove(connectionId: string): Promise<void> {
    return this.#move("connection.remove", connectionId);
  }

  async block(userId: string): Promise<void> {
    await this.#wire.command("user.block", { user_id: userId });
    this.#shelf.patch({ blocked: new Set([...this.get().blocked, userId]) });
  }

  async unblock(userId: string): Promise<void> {
    await this.#wire.command("user.unblock", { user_id: userId });
    const blocked = new Set(this.get().blocked);
    blocked.delete(userId);
    this.#shelf.patch({ blocked });
  }

  async #move(
    command: `connection.${"accept" | "reject" | "withdraw" | "remove"}`,
    connectionId: string,
  ): Promise<void> {
    const { connection } = await this.#wire.command(command, { connection_id: connectionId });
    this.#take(connection);
  }

  #load(): Promise<void> {
    this.#loading ??= this.#fetch().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #fetch(): Promise<void> {
    this.#told = new Set();
    try {
      const blockedBefore = this.get().blocked;
      const [connections, blocks] = await Promise.all([
        this.#all("GET /v1/connections"),
        this.#all("GET /v1/blocks"),
      ]);
      const known = new Map(connections.map((each) => [each.id, each]));
      // What was told meanwhile may be newer, and may have come into being meanwhile.
      for (const id of this.#told) {
        const told = this.#known.get(id);
        if (told !== undefined && isNewer(told, known.get(id))) known.set(id, told);
      }
      this.#known = known;
      // Blocked or unblocked meanwhile: that was answered later than this was asked.
      const isAsAsked = this.get().blocked === blockedBefore;
      const blocked = isAsAsked ? new Set(blocks.map((each) => each.user_id)) : this.get().blocked;
      this.#shelf.patch({ blocked, isLoaded: true, problem: null });
      this.#show();
    } catch (error) {
      this.#shelf.patch({ problem: Problem.of(error) });
      throw error;
    }
  }

  async #all<K extends "GET /v1/connections" | "GET /v1/blocks">(
    what: K,
  ): Promise<Calls[K]["answer"]["items"][number][]> {
    const found: Calls[K]["answer"]["items"][number][] = [];
    let next: string | null = null;
    for (let page = 0; page < PAGES; page++) {
      const answer: Calls[K]["answer"] = await this.#wire.call(what, {
        query: next === null ? { limit: PAGE } : { limit: PAGE, next },
      });
      found.push(...answer.items);
      next = answer.next;
      if (next === null) break;
    }
    return found;
  }

  #hear({ type, data }: Told): void {
    switch (type) {
      case "connection.requested":
      case "connection.accepted":
      case "connection.rejected":
      case "connection.withdrawn":
      case "connection.removed":
        this.#take(data.connection);
    }
  }

  #take(connection: Connection): void {
    if (!isNewer(connection, this.#known.get(connection.id))) return;
    this.#told.add(connection.id);
    this.#known.set(connection.id, connection);
    this.#show();
  }

  #show(): void {
    const items = [...this.#known.values()].sort((one, other) => compare(other.id, one.id));
    this.#shelf.patch({ items });
  }
}

function isNewer(one: Connection, other: Connection | undefined): boolean {
  if (other === undefined || one.updated_at !== other.updated_at) {
    return one.updated_at > (other?.updated_at ?? "");
  }
  return PROGRESS[one.status] > PROGRESS[other.status];
}

// The state tells the problem, and the next greeting tries again.
function ignore(): void {}
