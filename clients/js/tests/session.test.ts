import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Problem } from "../src/errors.js";
import { ADA, GRACE, refusal, ScriptedServer, settle, stored, tokenOf } from "./scripted.js";

const MESSAGE = stored({ data: { conversation_id: "c", client_id: "i", body: "Hi" } });

let server: ScriptedServer;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00Z") });
  server = new ScriptedServer();
});
afterEach(() => {
  server.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("coming online", () => {
  test("the token goes in the subprotocols and never in the address", async () => {
    const token = tokenOf(ADA);
    const session = server.session(() => token);
    session.connect();
    await settle();
    expect(server.line.url).toBe("wss://chat.example/v1/ws");
    expect(server.line.protocols).toEqual(["callboard.v1", `bearer.${token}`]);
    expect(session.status.get().state).toBe("connecting");
    server.line.greet();
    expect(session.status.get()).toEqual({ state: "online", retryAt: null, reason: null });
    expect(session.userId).toBe(ADA);
  });

  test("a server that does not greet is given up and tried again", async () => {
    server.session().connect();
    await settle();
    await vi.advanceTimersByTimeAsync(15_000);
    await vi.advanceTimersByTimeAsync(250);
    expect(server.lines).toHaveLength(2);
  });

  test("connecting twice makes one socket", async () => {
    const session = server.session();
    session.connect();
    session.connect();
    await settle();
    expect(server.lines).toHaveLength(1);
  });

  test("what is closed while the token is fetched makes no socket", async () => {
    let give: (token: string) => void = () => undefined;
    const session = server.session(
      () =>
        new Promise((resolve) => {
          give = resolve;
        }),
    );
    session.connect();
    session.close();
    give(tokenOf(ADA));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.lines).toHaveLength(0);
  });
});

describe("coming back", () => {
  test("a lost socket is replaced after a delay, which is told", async () => {
    const session = await server.online();
    server.line.end(1006);
    expect(session.status.get()).toMatchObject({
      state: "waiting",
      retryAt: Date.now() + 250,
      reason: { code: "offline", retry: true },
    });
    await vi.advanceTimersByTimeAsync(250);
    expect(server.lines).toHaveLength(2);
  });

  test.each([1000, 1001, 1011, 1012, 1013, 4000, 4002, 4003, 4499])(
    "close code %i comes back",
    async (code) => {
      const session = await server.online();
      server.line.end(code);
      expect(session.status.get().state).toBe("waiting");
    },
  );

  test.each([
    [1002, "invalid"],
    [1009, "too_large"],
    [4501, "suspended"],
    [4502, "invalid"],
    [4503, "forbidden"],
    [4999, "invalid"],
  ])("close code %i is final, and is %s", async (code, problem) => {
    const session = await server.online();
    server.line.end(code, "because");
    expect(session.status.get()).toMatchObject({
      state: "closed",
      reason: { code: problem, message: "because" },
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.lines).toHaveLength(1);
  });

  test("the delay grows until a socket has lasted", async () => {
    const session = await server.online(server.session(undefined, () => 1));
    const delays: number[] = [];
    for (let i = 0; i < 4; i++) {
      server.line.end(1006);
      const delay = (session.status.get().retryAt ?? 0) - Date.now();
      delays.push(delay);
      await vi.advanceTimersByTimeAsync(delay);
      server.line.greet();
    }
    expect(delays).toEqual([500, 1000, 2000, 4000]);
    await vi.advanceTimersByTimeAsync(11_000);
    server.line.end(1006);
    expect((session.status.get().retryAt ?? 0) - Date.now()).toBe(500);
  });

  test("retryNow does not wait for the delay", async () => {
    const session = await server.online();
    server.line.end(1006);
    session.retryNow();
    await settle();
    expect(server.lines).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.lines).toHaveLength(2);
  });

  test("a server that drains is left when it asks, and not before", async () => {
    const session = await server.online();
    server.line.tell("draining", { reconnect_after_ms: 5000 });
    await vi.advanceTimersByTimeAsync(4999);
    expect(session.status.get().state).toBe("online");
    await vi.advanceTimersByTimeAsync(1);
    expect(session.status.get().state).toBe("waiting");
    await vi.advanceTimersByTimeAsync(250);
    expect(server.lines).toHaveLength(2);
  });

  test("who is sent away by a draining server still waits as long as it asked", async () => {
    const session = await server.online();
    server.line.tell("draining", { reconnect_after_ms: 5000 });
    await vi.advanceTimersByTimeAsync(1000);
    server.line.end(1012);
    expect(session.status.get().retryAt).toBe(Date.now() + 4000 + 250);
  });

  test("what an old socket says after its end is not heard", async () => {
    const session = await server.online();
    const heard = vi.fn();
    const old = server.line;
    old.end(1006);
    await vi.advanceTimersByTimeAsync(250);
    server.line.greet();
    session.on(heard);
    old.tell("message.created", { message: MESSAGE });
    expect(heard).not.toHaveBeenCalled();
  });
});

describe("missing nothing", () => {
  test("it resumes with the newest cursor, which moves only when all before it was heard", async () => {
    const session = await server.online();
    const cursors: string[] = [];
    session.on((event) => {
      if (event.type === "message.created") cursors.push("heard");
    });
    server.line.tell("message.created", { message: MESSAGE });
    server.line.tell("cursor", { cursor: "c 2" });
    server.line.end(1006);
    await vi.advanceTimersByTimeAsync(250);
    expect(cursors).toEqual(["heard"]);
    expect(server.line.url).toBe("wss://chat.example/v1/ws?cursor=c%202");
  });

  test("a resume that is cut off before its cursor resumes from the same place", async () => {
    await server.online();
    server.line.end(1006);
    await vi.advanceTimersByTimeAsync(250);
    server.line.greet({ resumed: true, cursor: "c1" });
    server.line.tell("message.created", { message: MESSAGE });
    server.line.end(1006);
    await vi.advanceTimersByTimeAsync(500);
    expect(server.line.url).toContain("?cursor=c1");
  });

  test("a greeting says whether what is shown must be fetched anew", async () => {
    const session = server.session();
    const anew: boolean[] = [];
    session.onOnline((isAnew) => {
      anew.push(isAnew);
    });
    await server.online(session);
    for (const resumed of [true, false, true]) {
      server.line.end(1006);
      await vi.advanceTimersByTimeAsync(10_000);
      server.line.greet({ resumed });
      await settle();
    }
    server.line.tell("resync", { reason: "too much" });
    expect(anew).toEqual([true, false, true, false, true]);
  });

  test("a reload that was cut off is owed by the next greeting", async () => {
    const session = server.session();
    const anew: boolean[] = [];
    session.onOnline((isAnew) => {
      anew.push(isAnew);
      return anew.length === 1 ? new Promise(() => undefined) : Promise.resolve();
    });
    await server.online(session);
    for (let i = 0; i < 2; i++) {
      server.line.end(1006);
      await vi.advanceTimersByTimeAsync(10_000);
      server.line.greet({ resumed: true });
      await settle();
    }
    expect(anew).toEqual([true, true, false]);
  });

  test("a reload that fails for now is done again, not before the server wants it", async () => {
    const session = server.session();
    let count = 0;
    session.onOnline(async () => {
      count++;
      if (count === 1) throw new Problem("rate_limited", "Later.", { retryAfterMs: 3000 });
    });
    await server.online(session);
    await vi.advanceTimersByTimeAsync(2999);
    expect(count).toBe(1);
    await vi.advanceTimersByTimeAsync(1001);
    expect(count).toBe(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(count).toBe(2);
  });

  test("an onlooker hears an event after those who apply it", async () => {
    const session = server.session();
    const order: string[] = [];
    session.on(({ type }) => order.push(`applied ${type}`));
    session.on(({ type }) => order.push(`seen ${type}`), false);
    await server.online(session);
    expect(order).toEqual(["applied hello", "seen hello"]);
  });
});

describe("tokens", () => {
  test("a new token is given in-band before the present one expires", async () => {
    let mark = 0;
    await server.online(server.session(() => tokenOf(ADA, 600, String(++mark))));
    server.line.answers = ({ type }) =>
      type === "auth" || type === "ping" ? { type: "ok", data: {} } : undefined;
    await vi.advanceTimersByTimeAsync(539_000);
    expect(server.line.commands("auth")).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    const [auth] = server.line.commands("auth");
    expect(auth?.data.token).toBe(tokenOf(ADA, 600, "2"));
    expect(server.lines).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(540_000);
    expect(server.line.commands("auth")).toHaveLength(2);
  });

  test("a source that fails in time is asked again while the token holds", async () => {
    const source = vi.fn<() => string>(() => tokenOf(ADA, 600, "1"));
    const session = await server.online(server.session(source));
    server.line.answers = () => ({ type: "ok", data: {} });
    source.mockImplementationOnce(() => {
      throw new TypeError("fetch failed");
    });
    source.mockImplementation(() => tokenOf(ADA, 600, "2"));
    await vi.advanceTimersByTimeAsync(543_000);
    expect(server.line.commands("auth")).toHaveLength(1);
    expect(session.status.get().state).toBe("online");
  });

  test("4001 comes back with a new token", async () => {
    let mark = 0;
    await server.online(server.session(() => tokenOf(ADA, 3600, String(++mark))));
    const [, first] = server.line.protocols;
    server.line.end(4001, "token expired");
    await vi.advanceTimersByTimeAsync(250);
    expect(server.line.protocols[1]).not.toBe(first);
  });

  test("who is refused tries once with a new token, then no more", async () => {
    const source = vi.fn(() => tokenOf(ADA));
    const session = server.session(source);
    session.connect();
    await settle();
    server.line.end(4500, "unauthenticated");
    await settle();
    expect(server.lines).toHaveLength(2);
    server.line.end(4500, "unauthenticated");
    expect(session.status.get()).toMatchObject({
      state: "closed",
      reason: { code: "unauthenticated" },
    });
    expect(source).toHaveBeenCalledTimes(2);
  });

  test.each([4001, 4500])("a plain token that is refused with %i is final", async (code) => {
    const session = await server.online(server.session(tokenOf(ADA)));
    server.line.end(code);
    expect(session.status.get()).toMatchObject({
      state: "closed",
      reason: { code: "unauthenticated" },
    });
  });

  test("a source that has no token for now is asked again", async () => {
    const source = vi.fn<() => string>(() => tokenOf(ADA));
    source.mockImplementationOnce(() => {
      throw new Error("no network");
    });
    const session = server.session(source);
    session.connect();
    await settle();
    expect(session.status.get()).toMatchObject({ state: "waiting", reason: { code: "offline" } });
    await vi.advanceTimersByTimeAsync(250);
    expect(server.lines).toHaveLength(1);
  });

  test("a source that says there is none for good ends it", async () => {
    const session = server.session(() => {
      throw new Problem("unauthenticated", "Signed out.");
    });
    session.connect();
    await settle();
    expect(session.status.get()).toMatchObject({
      state: "closed",
      reason: { message: "Signed out." },
    });
  });

  test("somebody else's token ends it before the server sees it", async () => {
    let sub = ADA;
    const session = await server.online(server.session(() => tokenOf(sub)));
    sub = GRACE;
    server.line.end(4001);
    await vi.advanceTimersByTimeAsync(250);
    expect(session.status.get()).toMatchObject({ state: "closed", reason: { code: "forbidden" } });
    expect(server.lines).toHaveLength(1);
  });
});

describe("commands", () => {
  test("a reply finds who asked, in whatever order replies come", async () => {
    const session = await server.online();
    const first = session.command("ping", {});
    const second = session.command("typing", { conversation_id: "c", active: true });
    await settle();
    const [ping, typing] = server.line.sent;
    server.line.refuse(typing, "not_found", { details: { why: 1 } });
    server.line.ok(ping, { at: "now" });
    await expect(second).rejects.toMatchObject({ code: "not_found", details: { why: 1 } });
    await expect(first).resolves.toEqual({ at: "now" });
  });

  test("a command waits for a connection that is being made", async () => {
    const session = server.session();
    session.connect();
    const asked = session.command("ping", {});
    await settle();
    server.line.answers = () => ({ type: "ok", data: { at: "now" } });
    server.line.greet();
    await expect(asked).resolves.toEqual({ at: "now" });
  });

  test("a command fails at once where no connection will come in time", async () => {
    const session = server.session();
    await expect(session.command("ping", {})).rejects.toMatchObject({ code: "offline" });
    await server.online(session);
    server.line.tell("draining", { reconnect_after_ms: 60_000 });
    server.line.end(1012);
    await expect(session.command("ping", {})).rejects.toMatchObject({ code: "offline" });
  });

  test("a command that waits fails after ten seconds", async () => {
    const session = server.session();
    session.connect();
    const asked = expect(session.command("ping", {})).rejects.toMatchObject({ code: "offline" });
    await vi.advanceTimersByTimeAsync(10_000);
    await asked;
  });

  test("what was not answered when the socket ended is unknown", async () => {
    const session = await server.online();
    const asked = expect(session.command("ping", {})).rejects.toMatchObject({
      code: "offline",
      retry: true,
    });
    await settle();
    server.line.end(1006);
    await asked;
  });

  test("a thousand may wait for a reply, and no more", async () => {
    const session = await server.online();
    const many = Array.from({ length: 1001 }, () => session.command("ping", {}));
    const ends = Promise.allSettled(many);
    await settle();
    server.line.end(1006);
    const codes = (await ends).map((end) => end.status === "rejected" && end.reason.code);
    expect(codes.filter((code) => code === "rate_limited")).toHaveLength(1);
    expect(codes.at(-1)).toBe("rate_limited");
  });

  test("what the server would end the socket for is refused here", async () => {
    const session = await server.online();
    const body = "ä".repeat(40_000);
    const asked = session.command("message.edit", { message_id: "m", body });
    await expect(asked).rejects.toMatchObject({ code: "too_large" });
    expect(server.line.sent).toEqual([]);
  });

  test("a reply that comes after it was given up harms nobody", async () => {
    const session = await server.online();
    const asked = expect(session.command("ping", {})).rejects.toMatchObject({
      code: "unavailable",
    });
    await vi.advanceTimersByTimeAsync(5000);
    server.line.tell("cursor", { cursor: "c2" });
    await vi.advanceTimersByTimeAsync(5000);
    await asked;
    server.line.ok(server.line.sent[0]);
    expect(session.status.get().state).toBe("online");
  });
});

describe("dead lines", () => {
  test("a silent line is asked for a sign of life, and left where none comes", async () => {
    const session = await server.online();
    await vi.advanceTimersByTimeAsync(25_000);
    expect(server.line.commands("ping")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(session.status.get().state).toBe("waiting");
  });

  test("a line on which something is heard is not asked", async () => {
    await server.online();
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(10_000);
      server.line.tell("cursor", { cursor: "c2" });
    }
    expect(server.line.sent).toEqual([]);
  });

  test("a line that answers stays", async () => {
    const session = await server.online();
    server.line.answers = () => ({ type: "ok", data: { at: "" } });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(session.status.get().state).toBe("online");
    expect(server.line.commands("ping").length).toBeGreaterThan(3);
  });

  test("a command without an answer, on a silent line, ends it", async () => {
    const session = await server.online();
    session.command("ping", {}).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(session.status.get().state).toBe("waiting");
  });

  test("what is no frame ends the line, which comes back", async () => {
    const session = await server.online();
    server.line.raw("<html>Sign in to this network</html>");
    expect(session.status.get().state).toBe("waiting");
  });

  test("an error without an id harms nothing", async () => {
    const session = await server.online();
    server.line.raw({ type: "error", id: null, error: refusal("invalid") });
    expect(session.status.get().state).toBe("online");
  });
});
