import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Tokens } from "../src/tokens.js";
import { ADA, GRACE, tokenOf } from "./scripted.js";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a token is fetched once, however many ask at the same time", async () => {
  const source = vi.fn(async () => tokenOf(ADA));
  const tokens = new Tokens(source);
  const [one, two] = await Promise.all([tokens.current(), tokens.current()]);
  expect(one).toBe(two);
  await tokens.current();
  expect(source).toHaveBeenCalledTimes(1);
});

test("a token is renewed a minute before it expires", async () => {
  const source = vi.fn(() => tokenOf(ADA, 3600, String(Date.now())));
  const tokens = new Tokens(source);
  const first = await tokens.current();
  expect(tokens.dueInMs()).toBe(3540_000);
  vi.advanceTimersByTime(3539_000);
  expect(await tokens.current()).toBe(first);
  vi.advanceTimersByTime(1000);
  expect(await tokens.current()).not.toBe(first);
});

test("of a short-lived token only the last fifth is the margin", async () => {
  const tokens = new Tokens(() => tokenOf(ADA, 10));
  await tokens.current();
  expect(tokens.dueInMs()).toBe(8000);
});

test("the server's clock counts, not this one", async () => {
  const tokens = new Tokens(() => tokenOf(ADA, 3600));
  await tokens.current();
  tokens.tell(new Date(Date.now() + 1000_000).toISOString());
  expect(tokens.dueInMs()).toBe(2540_000);
});

test("what is no JWT is never due", async () => {
  const tokens = new Tokens(() => "opaque");
  expect(await tokens.current()).toBe("opaque");
  expect(tokens.dueInMs()).toBeNull();
});

test("a token of somebody else is refused", async () => {
  let sub = ADA;
  const tokens = new Tokens(() => tokenOf(sub));
  await tokens.current();
  tokens.forget();
  sub = GRACE;
  await expect(tokens.current()).rejects.toMatchObject({ code: "forbidden", retry: false });
});

test("only the token that was refused is forgotten, not the one after it", async () => {
  let count = 0;
  const tokens = new Tokens(() => tokenOf(ADA, 3600, String(++count)));
  const first = await tokens.current();
  tokens.forget(first);
  const second = await tokens.current();
  tokens.forget(first);
  expect(await tokens.current()).toBe(second);
});

test("a plain token cannot be renewed, and stays", async () => {
  const token = tokenOf(ADA, 5);
  const tokens = new Tokens(token);
  expect(tokens.forget()).toBe(false);
  vi.advanceTimersByTime(60_000);
  expect(await tokens.current()).toBe(token);
});

test("a source that fails is asked again", async () => {
  const source = vi.fn<() => Promise<string>>();
  source.mockRejectedValueOnce(new TypeError("fetch failed"));
  source.mockResolvedValueOnce(tokenOf(ADA));
  const tokens = new Tokens(source);
  await expect(tokens.current()).rejects.toThrow("fetch failed");
  await expect(tokens.current()).resolves.toContain(".");
});

test("a source that never answers is given up", async () => {
  const tokens = new Tokens(() => new Promise<string>(() => undefined));
  const asked = expect(tokens.current()).rejects.toMatchObject({ code: "unavailable" });
  await vi.advanceTimersByTimeAsync(30_000);
  await asked;
});
