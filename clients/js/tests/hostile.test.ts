/** A server that says what no server should: nothing of it may hurt more than itself. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Backoff } from "../src/backoff.js";
import { createCallboard } from "../src/client.js";
import { Timeline } from "../src/timeline.js";
import type { Callboard, TokenSource } from "../src/types.js";
import { ADA, GRACE, ROOM, refusal, ScriptedServer, settle, stored, tokenOf } from "./scripted.js";

const URL = "https://chat.example";
const HOUR_MS = 3_600_000;
const SENT = { data: { conversation_id: ROOM, client_id: "i", body: "Hi" } };

let server: ScriptedServer;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00Z") });
  server = new ScriptedServer();
});
afterEach(() => {
  server.close();
  vi.useRealTimers();
});

describe("patience that no server has", () => {
  test.each([
    ["for ever", 1e15],
    ["without end", Number.POSITIVE_INFINITY],
  ])("asked to wait %s, one waits an hour", (_, wish) => {
    expect(new Backoff({ chance: () => 0 }).next(wish)).toBe(HOUR_MS);
  });

  test.each([
    ["less than nothing", -1e9],
    ["what is no number", Number.NaN],
  ])("asked to wait %s, one waits as ever", (_, wish) => {
    expect(new Backoff({ chance: () => 0.5 }).next(wish)).toBe(250);
  });

  test("a server that drains in a thousand years is not left at once", async () => {
    const session = await server.online();
    server.line.answers = () => ({ type: "ok", data: {} });
    server.line.tell("draining", { reconnect_after_ms: 3e13 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(session.status.get().state).toBe("online");
  });

  test.each([0, -25, Number.NaN])("a heartbeat of %s seconds brings no storm", async (beat) => {
    const session = server.session();
    session.connect();
    await settle();
    server.line.answers = () => ({ type: "ok", data: {} });
    server.line.greet({ heartbeat_s: beat });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(server.line.commands("ping").length).toBeLessThanOrEqual(4);
  });
});

describe("a server that takes back its greeting", () => {
  test("who is greeted and refused again and again gives up", async () => {
    const session = server.session();
    session.connect();
    for (let i = 0; i < 5; i++) {
      await vi.advanceTimersByTimeAsync(1000);
      if (session.status.get().state === "closed") break;
      server.line.greet();
      await settle();
      server.line.end(4500, "not you");
    }
    expect(session.status.get().reason?.code).toBe("unauthenticated");
    expect(server.lines).toHaveLength(2);
  });

  test("a token that is always expired is tried less and less often", async () => {
    const session = server.session(() => tokenOf(ADA, -3600));
    session.connect();
    await settle();
    server.line.end(4500);
    for (let ms = 0; ms < 60_000; ms += 100) {
      await vi.advanceTimersByTimeAsync(100);
      if (session.status.get().state === "connecting") server.line.end(4001);
    }
    expect(server.lines.length).toBeLessThan(15);
  });

  test("a source that gives the same token for ever is asked less and less often", async () => {
    const token = tokenOf(ADA, 60);
    const source = vi.fn(() => token);
    await server.online(server.session(source));
    server.line.answers = () => ({ type: "ok", data: {} });
    await vi.advanceTimersByTimeAsync(50_000);
    source.mockClear();
    // Nobody says that it has expired.
    await vi.advanceTimersByTimeAsync(300_000);
    expect(source.mock.calls.length).toBeLessThan(40);
  });
});

describe("frames that are none", () => {
  test.each([
    ["a number", "5"],
    ["nothing", "null"],
    ["a list", "[]"],
    ["an event about nothing", '{"type":"message.created","at":"x"}'],
    ["an event about a list", '{"type":"message.created","at":"x","data":[]}'],
    ["a refusal without a reason", '{"type":"error","id":1}'],
    ["a greeting without words", '{"type":"hello","data":null}'],
  ])("%s ends the socket, and one comes back", async (_, frame) => {
    await server.online();
    expect(() => server.line.raw(frame)).not.toThrow();
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.lines).toHaveLength(2);
  });

  test("a refusal out of shape leaves nobody waiting", async () => {
    const session = await server.online();
    const asked = session.command("ping", {}).catch((problem: unknown) => problem);
    await settle();
    server.line.raw({ type: "error", id: server.line.sent.at(-1)?.id });
    expect(await asked).toMatchObject({ code: "offline" });
  });

  test("a name that every object has is no person and no reaction", async () => {
    const timeline = new Timeline();
    const said = JSON.parse('{"__proto__": ["x"], "constructor": ["y"]}');
    timeline.put({ ...stored(SENT), reactions: said }, { since: 0 });
    expect(Object.keys(timeline.list(1, 1)[0]?.reactions ?? {})).toEqual([
      "__proto__",
      "constructor",
    ]);
    expect(Object.prototype).not.toHaveProperty("0");
  });
});

describe("numbers that no history has", () => {
  test("a page that leaves out a thousand billion messages is a fault, and soon known", () => {
    const timeline = new Timeline();
    timeline.put(stored(SENT, 1e15), { at: "2026-11-21T12:00:00.000Z" });
    expect(() => timeline.take([stored(SENT, 5)], 5, 1e15 - 1, 0)).toThrow("too many holes");
  });

  test("what is no number does not become the end of the history", () => {
    const timeline = new Timeline();
    timeline.put(stored(SENT, 3), { since: 0 });
    timeline.reach(Number.NaN);
    timeline.reach(-1);
    expect(timeline.last).toBe(3);
  });

  test("of more readers than anybody looks at, the first are forgotten", () => {
    const timeline = new Timeline();
    const at = "2026-11-21T12:00:00.000Z";
    for (let i = 0; i < 1000; i++) timeline.read(`reader ${i}`, 1000 - i, at);
    for (const seq of [600, 400]) timeline.put(stored(SENT, seq), { since: 0 });
    expect(timeline.list(1, 1000).map((each) => each.read_at)).toEqual([at, null]);
  });
});

describe("whose it is", () => {
  function client(source: TokenSource, asked: RequestInit[] = []): Callboard {
    return createCallboard({
      url: URL,
      token: source,
      outbox: null,
      WebSocket: server.WebSocket,
      fetch: async (_, init) => {
        asked.push(init ?? {});
        return new Response(JSON.stringify({ items: [], next: null }));
      },
    });
  }

  test("no call follows a server that leads elsewhere with the token", async () => {
    const asked: RequestInit[] = [];
    await client(() => tokenOf(ADA), asked).call("GET /v1/blocks");
    expect(asked.map((each) => each.redirect)).toEqual(["error"]);
  });

  test("what one has written is never sent as somebody else", async () => {
    let token = tokenOf(ADA);
    const ada = client(() => token);
    ada.thread(ROOM).send({ body: "From Ada" });
    token = tokenOf(GRACE);
    ada.connect();
    await settle();
    // A token that does not say whose it is; the greeting does.
    server.line.greet({ user_id: ADA });
    await settle();
    server.line.end(1006);
    await vi.advanceTimersByTimeAsync(1000);
    server.line.greet({ user_id: GRACE });
    await settle();
    expect(ada.status.get()).toMatchObject({ state: "closed", reason: { code: "forbidden" } });
    expect(server.line.commands("message.send")).toEqual([]);
    ada.close();
  });

  test("a refusal that asks for eternity is not tried again at once", async () => {
    const ada = client(() => tokenOf(ADA));
    ada.connect();
    await settle();
    const refused = refusal("rate_limited", { retry: true, retry_after_ms: 1e15 });
    server.line.answers = ({ type }) =>
      type === "message.send" ? { type: "error", error: refused } : { type: "ok", data: {} };
    server.line.greet();
    await settle();
    ada.thread(ROOM).send({ body: "Hi" });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.line.commands("message.send")).toHaveLength(1);
    ada.close();
  });
});
