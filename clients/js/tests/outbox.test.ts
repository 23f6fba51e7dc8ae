import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Backoff } from "../src/backoff.js";
import { Outbox } from "../src/outbox.js";
import { IndexedDbOutbox } from "../src/outbox-indexeddb.js";
import { Session } from "../src/session.js";
import { Tokens } from "../src/tokens.js";
import type { OutboxStorage, Pending, Stored } from "../src/types.js";
import {
  ADA,
  GRACE,
  type Line,
  OTHER_ROOM,
  ROOM,
  refusal,
  ScriptedServer,
  settle,
  stored,
  tokenOf,
} from "./scripted.js";

let server: ScriptedServer;
let storage: MemoryStorage;
let ends: (() => void)[];

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00Z") });
  server = new ScriptedServer();
  storage = new MemoryStorage();
  ends = [];
});
afterEach(() => {
  for (const end of ends) end();
  vi.useRealTimers();
});

/** Keeps what a browser would, over "reloads" of the page. */
class MemoryStorage implements OutboxStorage {
  readonly kept = new Map<string, Map<string, Stored>>();

  async load(userId: string): Promise<readonly Stored[]> {
    return [...this.of(userId).values()];
  }

  async put(userId: string, item: Stored): Promise<void> {
    this.of(userId).set(item.clientId, structuredClone(item));
  }

  async remove(userId: string, clientId: string): Promise<void> {
    this.of(userId).delete(clientId);
  }

  of(userId: string): Map<string, Stored> {
    const found = this.kept.get(userId) ?? new Map<string, Stored>();
    this.kept.set(userId, found);
    return found;
  }
}

function make(user = ADA, kept: OutboxStorage | null = storage) {
  const session = new Session({
    url: "https://chat.example",
    tokens: new Tokens(tokenOf(user)),
    WebSocket: server.WebSocket,
    backoff: new Backoff({ chance: () => 0 }),
  });
  const outbox = new Outbox(session, kept, () => 0);
  const heard: string[] = [];
  session.on((event) => {
    if (event.type === "message.created") heard.push(event.data.message.body);
  });
  const close = () => {
    session.close();
    outbox.wake();
  };
  ends.push(close);
  session.connect();
  return { session, outbox, heard, close };
}

/** One life of a page: a session and its outbox, on a line that is greeted. */
async function opened(user = ADA) {
  const made = make(user);
  await settle();
  server.line.greet({ user_id: user });
  await settle();
  return made;
}

const connect = async () => {
  await settle();
  server.line.greet();
  await settle();
};

function lane(outbox: Outbox, conversationId = ROOM): readonly Pending[] {
  return outbox.get().get(conversationId) ?? [];
}

function bodies(line: Line): unknown[] {
  return line.commands("message.send").map((frame) => frame.data.body);
}

/** Have a line store what is sent, in order of arrival. */
function answering(line: Line): void {
  let seq = 0;
  line.answers = (frame) =>
    frame.type === "message.send"
      ? { type: "ok", data: { message: stored(frame, ++seq) } }
      : { type: "ok", data: {} };
}

describe("sending", () => {
  test("a message is shown at once and is gone when it is acknowledged, heard as an event", async () => {
    const made = make();
    await settle();
    server.line.greet();
    await settle();
    const pending = made.outbox.send(ROOM, { body: "Hi", metadata: { a: 1 } });
    expect(lane(made.outbox)).toEqual([pending]);
    await settle();
    expect(lane(made.outbox)).toMatchObject([{ state: "sending", clientId: pending.clientId }]);
    const [frame] = server.line.commands("message.send");
    expect(frame?.data).toEqual({
      conversation_id: ROOM,
      client_id: pending.clientId,
      body: "Hi",
      attachments: [],
      reply_to_id: null,
      metadata: { a: 1 },
    });
    if (frame !== undefined) server.line.ok(frame, { message: stored(frame) });
    await settle();
    expect(made.heard).toEqual(["Hi"]);
    expect(lane(made.outbox)).toEqual([]);
    expect(storage.of(ADA).size).toBe(0);
  });

  test("messages of a conversation go one after the other, other conversations beside", async () => {
    const { outbox } = await opened();
    for (const body of ["1", "2", "3"]) outbox.send(ROOM, { body });
    outbox.send(OTHER_ROOM, { body: "other" });
    await settle();
    expect(bodies(server.line)).toEqual(["1", "other"]);
    const [first] = server.line.commands("message.send");
    if (first !== undefined) server.line.ok(first, { message: stored(first) });
    await settle();
    expect(bodies(server.line)).toEqual(["1", "other", "2"]);
  });

  test("what the server's event acknowledges first is heard once, and its reply changes nothing", async () => {
    const { outbox, heard } = await opened();
    outbox.send(ROOM, { body: "Hi" });
    await settle();
    const [frame] = server.line.commands("message.send");
    if (frame === undefined) throw new Error("Nothing was sent.");
    server.line.tell("message.created", { message: stored(frame) });
    expect(lane(outbox)).toEqual([]);
    server.line.ok(frame, { message: stored(frame) });
    await settle();
    expect(heard).toEqual(["Hi"]);
  });

  test("a thousand may wait, and no more", async () => {
    const { outbox } = make();
    for (let i = 0; i < 1000; i++) outbox.send(ROOM, { body: String(i) });
    expect(() => outbox.send(ROOM, { body: "one more" })).toThrow(
      expect.objectContaining({ code: "rate_limited", retry: true }),
    );
  });
});

describe("faults", () => {
  test("what was not acknowledged is sent again under the same id, in order", async () => {
    const { outbox } = await opened();
    for (const body of ["1", "2"]) outbox.send(ROOM, { body });
    await settle();
    const first = server.line;
    first.end(1006);
    await settle();
    expect(lane(outbox).map((each) => each.state)).toEqual(["waiting", "waiting"]);
    await connect();
    answering(server.line);
    const [again] = server.line.commands("message.send");
    expect(again?.data.client_id).toBe(first.commands("message.send")[0]?.data.client_id);
    if (again !== undefined) server.line.ok(again, { message: stored(again) });
    await settle();
    expect(bodies(server.line)).toEqual(["1", "2"]);
    expect(lane(outbox)).toEqual([]);
  });

  test("what was written while offline is sent when there is a connection", async () => {
    const { outbox } = make();
    outbox.send(ROOM, { body: "early" });
    await settle();
    expect(lane(outbox)).toMatchObject([{ state: "waiting" }]);
    answering(server.line);
    server.line.greet();
    await settle();
    expect(bodies(server.line)).toEqual(["early"]);
    expect(lane(outbox)).toEqual([]);
  });

  test("what is refused has failed, stays, and lets the next pass", async () => {
    const { outbox } = await opened();
    answering(server.line);
    const answers = server.line.answers;
    server.line.answers = (frame) =>
      frame.data.body === "no" ? { type: "error", error: refusal("blocked") } : answers(frame);
    const failed = outbox.send(ROOM, { body: "no" });
    outbox.send(ROOM, { body: "yes" });
    await settle();
    expect(bodies(server.line)).toEqual(["no", "yes"]);
    expect(lane(outbox)).toMatchObject([
      { clientId: failed.clientId, state: "failed", problem: { code: "blocked" } },
    ]);
  });

  test("too much in too short a time waits as long as the server asks, in order", async () => {
    const { outbox } = await opened();
    const later = refusal("rate_limited", { retry: true, retry_after_ms: 5000 });
    server.line.answers = () => ({ type: "error", error: later });
    outbox.send(ROOM, { body: "1" });
    outbox.send(ROOM, { body: "2" });
    await settle();
    expect(lane(outbox).map((each) => each.state)).toEqual(["waiting", "waiting"]);
    answering(server.line);
    await vi.advanceTimersByTimeAsync(4999);
    expect(bodies(server.line)).toEqual(["1"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(bodies(server.line)).toEqual(["1", "1", "2"]);
  });

  test("a message without a reply is sent again on the same line", async () => {
    const { outbox } = await opened();
    outbox.send(ROOM, { body: "Hi" });
    await vi.advanceTimersByTimeAsync(9000);
    server.line.tell("cursor", { cursor: "c2" });
    await vi.advanceTimersByTimeAsync(1001);
    expect(bodies(server.line)).toEqual(["Hi", "Hi"]);
    expect(server.lines).toHaveLength(1);
  });

  test("what has failed can be tried again under the same id, or given up", async () => {
    const { outbox } = await opened();
    server.line.answers = () => ({ type: "error", error: refusal("not_connected") });
    const one = outbox.send(ROOM, { body: "1" });
    const two = outbox.send(ROOM, { body: "2" });
    await settle();
    outbox.discard(two.clientId);
    expect(lane(outbox)).toHaveLength(1);
    answering(server.line);
    outbox.retry(one.clientId);
    await settle();
    expect(lane(outbox)).toEqual([]);
    const ids = server.line.commands("message.send").map((frame) => frame.data.client_id);
    expect(ids).toEqual([one.clientId, two.clientId, one.clientId]);
    expect(storage.of(ADA).size).toBe(0);
  });

  test("what is under way cannot be given up", async () => {
    const { outbox } = await opened();
    const pending = outbox.send(ROOM, { body: "1" });
    await settle();
    outbox.discard(pending.clientId);
    expect(lane(outbox)).toHaveLength(1);
  });
});

describe("a reload of the page", () => {
  test("what waited is sent by the next life, first and under the same id", async () => {
    const before = await opened();
    const one = before.outbox.send(ROOM, { body: "1" });
    const two = before.outbox.send(ROOM, { body: "2" });
    await settle();
    before.close();
    const { outbox } = make();
    outbox.send(ROOM, { body: "3" });
    await settle();
    answering(server.line);
    server.line.greet();
    await settle();
    expect(bodies(server.line)).toEqual(["1", "2", "3"]);
    const ids = server.line.commands("message.send").map((frame) => frame.data.client_id);
    expect(ids.slice(0, 2)).toEqual([one.clientId, two.clientId]);
    expect(lane(outbox)).toEqual([]);
    expect(storage.of(ADA).size).toBe(0);
  });

  test("what had failed is shown so, with its reason, and not sent by itself", async () => {
    const before = await opened();
    server.line.answers = () => ({ type: "error", error: refusal("gig_closed") });
    before.outbox.send(ROOM, { body: "1" });
    await settle();
    before.close();
    const { outbox } = await opened();
    expect(lane(outbox)).toMatchObject([{ state: "failed", problem: { code: "gig_closed" } }]);
    expect(bodies(server.line)).toEqual([]);
  });

  test("somebody else is shown nothing of it, and sends nothing of it", async () => {
    const before = await opened();
    before.outbox.send(ROOM, { body: "secret" });
    await settle();
    before.close();
    const { outbox } = await opened(GRACE);
    expect(outbox.get().size).toBe(0);
    expect(bodies(server.line)).toEqual([]);
  });

  test("without a storage, messages wait in memory", async () => {
    const { outbox } = make(ADA, null);
    outbox.send(ROOM, { body: "1" });
    await settle();
    answering(server.line);
    server.line.greet();
    await settle();
    expect(bodies(server.line)).toEqual(["1"]);
  });

  test("a storage that fails or hangs keeps nobody from sending", async () => {
    const broken: OutboxStorage = {
      load: () => new Promise(() => undefined),
      put: () => Promise.reject(new Error("no space")),
      remove: () => Promise.reject(new Error("no space")),
    };
    const { outbox } = make(ADA, broken);
    outbox.send(ROOM, { body: "1" });
    await settle();
    answering(server.line);
    server.line.greet();
    await vi.advanceTimersByTimeAsync(3000);
    expect(bodies(server.line)).toEqual(["1"]);
  });
});

describe("two tabs", () => {
  test("both send what one has left, and it is stored once and in order", async () => {
    const one = await opened();
    for (const body of ["1", "2"]) one.outbox.send(ROOM, { body });
    await settle();
    const first = server.line;
    const two = await opened();
    const history: string[] = [];
    const store = (frame: { data: Record<string, unknown> }) => {
      const message = stored(frame, 1);
      if (!history.includes(message.body)) history.push(message.body);
      return { type: "ok", data: { message } };
    };
    server.line.answers = store;
    first.answers = store;
    for (const line of [server.line, first]) {
      const [frame] = line.commands("message.send");
      if (frame !== undefined) line.raw({ id: frame.id, ...store(frame) });
    }
    await settle();
    expect(history).toEqual(["1", "2"]);
    expect([lane(one.outbox), lane(two.outbox)]).toEqual([[], []]);
    expect(storage.of(ADA).size).toBe(0);
  });

  test("what another tab has sent is gone here too", async () => {
    const one = await opened();
    one.outbox.send(ROOM, { body: "1" });
    await settle();
    const [frame] = server.line.commands("message.send");
    if (frame === undefined) throw new Error("Nothing was sent.");
    const two = await opened();
    server.line.tell("message.created", { message: stored(frame) });
    expect(lane(two.outbox)).toEqual([]);
  });
});

describe("IndexedDB", () => {
  const item = (clientId: string, at: string): Stored => ({
    clientId,
    conversationId: ROOM,
    draft: { body: clientId },
    at,
    refusal: null,
  });

  beforeEach(() => {
    vi.useRealTimers();
  });

  test("what is put is there for the next life, oldest first, of each person apart", async () => {
    const outbox = new IndexedDbOutbox("https://one.example");
    await outbox.put(ADA, item("b", "2026-11-21T12:00:00.002Z"));
    await outbox.put(ADA, item("a", "2026-11-21T12:00:00.003Z"));
    await outbox.put(ADA, item("b", "2026-11-21T12:00:00.001Z"));
    await outbox.put(GRACE, item("c", "2026-11-21T12:00:00.000Z"));
    const again = new IndexedDbOutbox("https://one.example");
    expect((await again.load(ADA)).map((each) => each.clientId)).toEqual(["b", "a"]);
    await again.remove(ADA, "b");
    expect((await again.load(ADA)).map((each) => each.clientId)).toEqual(["a"]);
    expect((await again.load(GRACE)).map((each) => each.clientId)).toEqual(["c"]);
  });

  test("another server's messages are elsewhere", async () => {
    await new IndexedDbOutbox("https://two.example").put(ADA, item("a", "1"));
    expect(await new IndexedDbOutbox("https://three.example").load(ADA)).toEqual([]);
  });

  test("what was thrown away is opened anew", async () => {
    const outbox = new IndexedDbOutbox("https://four.example");
    await outbox.put(ADA, item("a", "1"));
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase("https://four.example");
      request.onsuccess = resolve;
      request.onerror = reject;
    });
    expect(await outbox.load(ADA)).toEqual([]);
    await outbox.put(ADA, item("b", "1"));
    expect(await outbox.load(ADA)).toHaveLength(1);
  });
});
