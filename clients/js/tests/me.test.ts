import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createCallboard } from "../src/client.js";
import type { Callboard, Conversation } from "../src/types.js";
import { ADA, GRACE, ROOM, ScriptedServer, settle, stored, tokenOf } from "./scripted.js";

const unread = { conversations: 1, messages: 2, notifications: 3 };
const part = { role: "member" as const, read_seq: 0, delivered_seq: 0, joined_at: "2026-01-01" };
const CONVERSATION: Conversation = {
  id: ROOM,
  kind: "direct",
  gig_id: null,
  application_id: null,
  title: null,
  status: "active",
  writers: "members",
  history: "all",
  read_only_at: null,
  closed_by: null,
  participants: [
    { user_id: ADA, ...part },
    { user_id: GRACE, ...part },
  ],
  participant_count: 2,
  last_seq: 2,
  last_message: null,
  last_message_at: null,
  unread: 2,
  muted_until: null,
  created_at: "2026-01-01T00:00:00.000Z",
};

let server: ScriptedServer;
let client: Callboard;
let asked: string[];
let totals: typeof unread;

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00Z") });
  server = new ScriptedServer();
  asked = [];
  totals = unread;
  client = createCallboard({
    url: "https://chat.example/",
    token: tokenOf(ADA),
    WebSocket: server.WebSocket,
    outbox: null,
    fetch: async (input) => {
      const path = String(input).replace("https://chat.example", "");
      asked.push(path);
      if (path === "/v1/me") return Response.json({ profile: {}, unread: totals });
      return Response.json({ items: [CONVERSATION], next: null });
    },
  });
  client.conversations.subscribe(() => undefined);
  client.connect();
  await settle();
  server.line.greet({ unread });
  await settle();
});
afterEach(() => {
  client.close();
  vi.useRealTimers();
});

const fromGrace = (seq: number, room = ROOM) => ({
  ...stored({ data: { conversation_id: room, client_id: String(seq), body: "Hi" } }, seq),
  sender_id: GRACE,
});
const timesAsked = () => asked.filter((path) => path === "/v1/me").length;

test("what waits is as the greeting says, and moves on with what happens", async () => {
  expect(client.unread.get()).toEqual(unread);
  server.line.tell("message.created", { message: fromGrace(3) }, "2026-11-21T12:00:01.000Z");
  expect(client.unread.get()).toEqual({ ...unread, messages: 3 });
  client.thread(ROOM).read(3);
  expect(client.unread.get()).toEqual({ ...unread, messages: 0, conversations: 0 });
  await vi.advanceTimersByTimeAsync(5000);
  expect(timesAsked()).toBe(1);
});

test("a message of a conversation that is not known is asked about, once for many", async () => {
  totals = { ...unread, messages: 9 };
  for (let i = 1; i < 9; i++) {
    server.line.tell("message.created", { message: fromGrace(i, `room ${i}`) });
  }
  await vi.advanceTimersByTimeAsync(1000);
  expect(client.unread.get().messages).toBe(9);
  expect(timesAsked()).toBe(2);
});

test("what is told again on resuming counts once", async () => {
  server.line.end(1006);
  await vi.advanceTimersByTimeAsync(1000);
  const after = { ...unread, messages: 3 };
  server.line.greet({ resumed: true, unread: after });
  server.line.tell("message.created", { message: fromGrace(3) }, "2026-11-21T12:00:01.000Z");
  server.line.tell("cursor", { cursor: "c2" });
  expect(client.unread.get()).toEqual(after);
});

test("what was read offline does not wait any more, whatever the greeting says", async () => {
  server.line.end(1006);
  client.thread(ROOM).read(2);
  await vi.advanceTimersByTimeAsync(1000);
  totals = { conversations: 0, messages: 0, notifications: 3 };
  server.line.answers = () => ({ type: "ok", data: { read_seq: 2, unread: 0 } });
  server.line.greet({ resumed: true, unread });
  server.line.tell("cursor", { cursor: "c2" });
  await vi.advanceTimersByTimeAsync(1000);
  expect(client.unread.get()).toEqual(totals);
});

test("a client knows who it is, and closes without a trace", async () => {
  expect(client.me.get()).toEqual({ profile: {}, unread });
  client.close();
  expect(client.status.get()).toEqual({ state: "closed", retryAt: null, reason: null });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.lines).toHaveLength(1);
});

test.each(["chat.example", "ws://chat.example", "https://", "/"])("%j is no address", (url) => {
  const make = () => createCallboard({ url, token: "t", WebSocket: server.WebSocket });
  expect(make).toThrow(expect.objectContaining({ code: "invalid" }));
});
