import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { callerOf } from "../src/http.js";
import { Tokens } from "../src/tokens.js";
import { ADA, ROOM, tokenOf } from "./scripted.js";

const fetcher = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00Z") });
  fetcher.mockReset();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function make(source: string | (() => string) = tokenOf(ADA)) {
  return { call: callerOf("https://chat.example", new Tokens(source), fetcher) };
}

const answer = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(body === undefined ? null : JSON.stringify(body), { status, headers });

test("path, query and body go where they belong, encoded", async () => {
  fetcher.mockImplementation(async () => answer({ items: [], next: null }));
  const http = make();
  await http.call("GET /v1/conversations/{conversation_id}/messages", {
    path: { conversation_id: ROOM },
    query: { before: 7, limit: 50, next: null },
  });
  await http.call("PUT /v1/messages/{message_id}/reactions/{emoji}", {
    path: { message_id: "a/b", emoji: "👍" },
  });
  await http.call("POST /v1/connections", { body: { user_id: ADA } });
  const [page, reaction, connection] = fetcher.mock.calls;
  expect(page?.[0]).toBe(
    `https://chat.example/v1/conversations/${ROOM}/messages?before=7&limit=50`,
  );
  expect(page?.[1]?.body).toBeNull();
  expect(reaction?.[0]).toBe("https://chat.example/v1/messages/a%2Fb/reactions/%F0%9F%91%8D");
  expect(connection?.[1]?.body).toBe(JSON.stringify({ user_id: ADA }));
  expect(connection?.[1]?.headers).toMatchObject({
    Authorization: `Bearer ${tokenOf(ADA)}`,
    "Content-Type": "application/json",
  });
});

test("a list in a query goes between commas", async () => {
  fetcher.mockImplementation(async () => answer({ presence: [] }));
  await make().call("GET /v1/presence", { query: { user_ids: ["a", "b"] } });
  expect(fetcher.mock.calls[0]?.[0]).toBe("https://chat.example/v1/presence?user_ids=a%2Cb");
});

test.each([undefined, "", ".", ".."])("a path with %j in it is not asked", async (value) => {
  const path: Record<string, string> = value === undefined ? {} : { user_id: value };
  await expect(make().call("GET /v1/users/{user_id}", { path })).rejects.toMatchObject({
    code: "invalid",
  });
  expect(fetcher).not.toHaveBeenCalled();
});

test("an answer without a body is null", async () => {
  fetcher.mockImplementation(async () => answer(undefined, 204));
  await expect(
    make().call("PUT /v1/blocks/{user_id}", { path: { user_id: ADA } }),
  ).resolves.toBeNull();
});

test("a refusal is a problem with the server's code, reason and details", async () => {
  const problem = {
    type: "urn:callboard:error:rate_limited",
    title: "Too much in too short a time.",
    status: 429,
    detail: "Wait a little.",
    code: "rate_limited",
    retry_after_ms: 1500,
    details: { fields: [] },
  };
  fetcher.mockImplementation(async () => answer(problem, 429, { "Retry-After": "2" }));
  await expect(make().call("GET /v1/me")).rejects.toMatchObject({
    name: "CallboardProblem",
    code: "rate_limited",
    message: "Wait a little.",
    retry: true,
    retryAfterMs: 1500,
    details: { fields: [] },
  });
});

test.each([
  [502, "unavailable", true],
  [503, "unavailable", true],
  [500, "internal", false],
  [413, "too_large", false],
  [418, "invalid", false],
])("%i from somebody in between is %s", async (status, code, retry) => {
  fetcher.mockImplementation(
    async () => new Response("<h1>Oh</h1>", { status, headers: { "Retry-After": "3" } }),
  );
  await expect(make().call("GET /v1/me")).rejects.toMatchObject({
    code,
    retry,
    retryAfterMs: 3000,
  });
});

test("a page of somebody in between that says it went well is no answer", async () => {
  fetcher.mockImplementation(async () => new Response("<h1>Sign in</h1>"));
  await expect(make().call("GET /v1/me")).rejects.toMatchObject({ code: "internal" });
});

test("who is refused asks once more with a new token", async () => {
  let mark = 0;
  const http = make(() => tokenOf(ADA, 3600, String(++mark)));
  fetcher.mockImplementationOnce(async () => answer({ code: "unauthenticated" }, 401));
  fetcher.mockImplementation(async () => answer({ profile: {} }));
  await http.call("GET /v1/me");
  const tokens = fetcher.mock.calls.map(([, init]) =>
    new Headers(init?.headers).get("Authorization"),
  );
  expect(tokens).toEqual([1, 2].map((n) => `Bearer ${tokenOf(ADA, 3600, String(n))}`));
});

test("who is refused twice is told", async () => {
  fetcher.mockImplementation(async () => answer({ code: "unauthenticated", detail: "No." }, 401));
  const http = make(() => tokenOf(ADA));
  await expect(http.call("GET /v1/me")).rejects.toMatchObject({ code: "unauthenticated" });
  expect(fetcher).toHaveBeenCalledTimes(2);
});

test("a plain token is not tried twice", async () => {
  fetcher.mockImplementation(async () => answer({ code: "unauthenticated" }, 401));
  await expect(make().call("GET /v1/me")).rejects.toMatchObject({ code: "unauthenticated" });
  expect(fetcher).toHaveBeenCalledTimes(1);
});

test("a server that cannot be reached is offline", async () => {
  fetcher.mockRejectedValue(new TypeError("fetch failed"));
  await expect(make().call("GET /v1/me")).rejects.toMatchObject({ code: "offline", retry: true });
});

/** Never answers, but ends as a browser's fetch does when it is aborted. */
const hanging: typeof fetch = (_, init) =>
  new Promise((_resolve, reject) => {
    init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
  });

test("a server that does not answer in half a minute is offline", async () => {
  fetcher.mockImplementation(hanging);
  const asked = expect(make().call("GET /v1/me")).rejects.toMatchObject({ code: "offline" });
  await vi.advanceTimersByTimeAsync(30_000);
  await asked;
});

test("who aborts is given their own reason", async () => {
  fetcher.mockImplementation(hanging);
  const ending = new AbortController();
  const asked = expect(make().call("GET /v1/me", { signal: ending.signal })).rejects.toBe("enough");
  await vi.advanceTimersByTimeAsync(0);
  ending.abort("enough");
  await asked;
  const again = make().call("GET /v1/me", { signal: ending.signal });
  await expect(again).rejects.toBe("enough");
});
