import type { Connection } from "./generated/contract.js";
import { Listing } from "./listing.js";
import { descending, idOf } from "./lists.js";
import type { Calls, Connections, ConnectionsState } from "./types.js";
import type { Wire } from "./wire.js";

const PAGE = 200;
// Ten thousand of each; who has more asks for the rest by `call`.
const PAGES = 50;

export class ConnectionStore extends Listing<ConnectionsState> implements Connections {
  readonly #known = new Map<string, Connection>();

  constructor(wire: Wire) {
    super(wire, { items: [], blocked: new Set(), isLoaded: false, problem: null });
    wire.on(({ data }) => {
      if ("connection" in data) this.#take(data.connection);
    });
  }

  with(userId: string): Connection | null {
    const ours = [...this.#known.values()].filter((each) =>
      [each.requester_id, each.recipient_id].includes(userId),
    );
    return descending(ours, (each) => each.updated_at)[0] ?? null;
  }

  async request(userId: string, note?: string): Promise<Connection> {
    const asked = { user_id: userId, message: note ?? null };
    const { connection } = await this.wire.command("connection.request", asked);
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

  block(userId: string): Promise<void> {
    return this.#block(userId, true);
  }

  unblock(userId: string): Promise<void> {
    return this.#block(userId, false);
  }

  async #block(userId: string, isOn: boolean): Promise<void> {
    await this.wire.command(isOn ? "user.block" : "user.unblock", { user_id: userId });
    const blocked = new Set(this.get().blocked);
    if (isOn) blocked.add(userId);
    else blocked.delete(userId);
    this.patch({ blocked });
  }

  async #move(
    command: `connection.${"accept" | "reject" | "withdraw" | "remove"}`,
    connectionId: string,
  ): Promise<void> {
    const { connection } = await this.wire.command(command, { connection_id: connectionId });
    this.#take(connection);
  }

  protected async fetch(): Promise<void> {
    const { blocked } = this.get();
    const [connections, blocks] = await Promise.all([
      this.#all("GET /v1/connections"),
      this.#all("GET /v1/blocks"),
    ]);
    // They only move on, and none goes.
    for (const each of connections) this.#take(each);
    // Blocked or unblocked meanwhile: that was answered later than this was asked.
    if (this.get().blocked === blocked) {
      this.patch({ blocked: new Set(blocks.map((each) => each.user_id)) });
    }
    this.#show();
  }

  async #all<K extends "GET /v1/connections" | "GET /v1/blocks">(
    what: K,
  ): Promise<Calls[K]["answer"]["items"][number][]> {
    const found: Calls[K]["answer"]["items"][number][] = [];
    let next: string | null = null;
    for (let page = 0; page < PAGES; page++) {
      const answer: Calls[K]["answer"] = await this.wire.call(what, {
        query: { limit: PAGE, next },
      });
      found.push(...answer.items);
      next = answer.next;
      if (!next) break;
    }
    return found;
  }

  #take(connection: Connection): void {
    if (!isNewer(connection, this.#known.get(connection.id))) return;
    this.#known.set(connection.id, connection);
    this.#show();
  }

  #show(): void {
    this.patch({ items: descending(this.#known.values(), idOf) });
  }
}

function isNewer(one: Connection, other: Connection | undefined): boolean {
  if (!other) return true;
  // Between two changes in the same millisecond, the one further along came later.
  const isLater = stage(one) > stage(other);
  return one.updated_at === other.updated_at ? isLater : one.updated_at > other.updated_at;
}

function stage({ status }: Connection): number {
  if (status === "pending") return 0;
  return status === "removed" ? 2 : 1;
}
