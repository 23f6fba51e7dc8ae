import { expect, test } from "vitest";
import { hashOf, NOWHERE, type Route, routeOf } from "../src/route.js";

test("a place comes back from its hash", () => {
  const route: Route = { conversationId: "c", userId: null, panel: "search", seq: 12 };
  expect(routeOf(hashOf(route))).toEqual(route);
  expect(hashOf(NOWHERE)).toBe("");
  expect(routeOf("")).toEqual(NOWHERE);
});

test("what cannot be a place is passed over", () => {
  expect(routeOf("#panel=nonsense&message=-3")).toEqual(NOWHERE);
  expect(routeOf("#message=1.5").seq).toBeNull();
});
