import { afterEach, expect, test, vi } from "vitest";
import { listenForHints } from "../src/hints.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** What a browser's page has of the two. */
function browser() {
  const [windowEvents, page] = [new EventTarget(), new EventTarget()];
  for (const act of ["addEventListener", "removeEventListener"] as const) {
    vi.stubGlobal(act, windowEvents[act].bind(windowEvents));
  }
  const document = Object.assign(page, { visibilityState: "visible" });
  vi.stubGlobal("document", document);
  return { windowEvents, document };
}

test("network and page give hints until one does not listen any more", () => {
  const { windowEvents, document } = browser();
  const told = vi.fn();
  const stop = listenForHints(told);
  windowEvents.dispatchEvent(new Event("online"));
  windowEvents.dispatchEvent(new Event("offline"));
  document.dispatchEvent(new Event("visibilitychange"));
  expect(told).toHaveBeenCalledTimes(3);
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(told).toHaveBeenCalledTimes(3);
  stop();
  windowEvents.dispatchEvent(new Event("online"));
  document.visibilityState = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(told).toHaveBeenCalledTimes(3);
});

test("where there is no browser, nothing is said and nothing breaks", () => {
  const told = vi.fn();
  listenForHints(told)();
  expect(told).not.toHaveBeenCalled();
});
