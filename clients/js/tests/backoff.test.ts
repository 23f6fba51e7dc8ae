import { expect, test } from "vitest";
import { Backoff } from "../src/backoff.js";

test("delays double from the first up to the longest", () => {
  const backoff = new Backoff({ firstMs: 500, longestMs: 3000, chance: () => 1 });
  expect([0, 1, 2, 3, 4].map(() => backoff.next())).toEqual([500, 1000, 2000, 3000, 3000]);
});

test("a delay is anywhere between nothing and its bound", () => {
  const chances = [0, 0.25, 0.5];
  const backoff = new Backoff({ firstMs: 1000, chance: () => chances.shift() ?? 0 });
  expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([0, 500, 2000]);
});

test("what the server asks for is waited for, and the jitter comes on top", () => {
  const backoff = new Backoff({ firstMs: 1000, chance: () => 0.5 });
  expect(backoff.next(7000)).toBe(7500);
});

test("after a success it begins anew", () => {
  const backoff = new Backoff({ firstMs: 100, chance: () => 1 });
  backoff.next();
  backoff.next();
  backoff.reset();
  expect(backoff.next()).toBe(100);
});

test("ten thousand failures do not overflow", () => {
  const backoff = new Backoff({ longestMs: 30_000, chance: () => 1 });
  for (let i = 0; i < 10_000; i++) backoff.next();
  expect(backoff.next()).toBe(30_000);
});
