/** Push on a browser that passes from one person to another. */
import { type Callboard, Problem } from "@callboard/client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keptDevice } from "../src/worker/device.js";
import { disablePush, enablePush, forgetPush, keepPush, pushState } from "../src/worker/push.js";

const WORKER = "/callboard-sw.js";
const ORIGIN = "https://chat.example";

/** A browser's side of push, as far as it is used. */
class Browser {
  readonly kept = new Map<string, string>();
  readonly shown = new Set<{ data: unknown; close(): void }>();
  isSubscribed = false;
  script = ORIGIN + WORKER;

  readonly subscription = {
    options: { applicationServerKey: null },
    toJSON: () => ({ endpoint: "https://push.example/1", keys: { p256dh: "p", auth: "a" } }),
    unsubscribe: async () => {
      this.isSubscribed = false;
      return true;
    },
  };

  readonly registration = {
    active: { scriptURL: this.script },
    waiting: null,
    installing: null,
    getNotifications: async () => [...this.shown],
    pushManager: {
      getSubscription: async () => (this.isSubscribed ? this.subscription : null),
      subscribe: async () => {
        this.isSubscribed = true;
        return this.subscription;
      },
    },
  };

  constructor() {
    vi.stubGlobal("location", { href: `${ORIGIN}/messages` });
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => this.kept.get(key) ?? null,
      setItem: (key: string, value: string) => this.kept.set(key, value),
      removeItem: (key: string) => this.kept.delete(key),
    });
    vi.stubGlobal("PushManager", class {});
    vi.stubGlobal("Notification", {
      permission: "granted",
      requestPermission: async () => "granted",
    });
    vi.stubGlobal("navigator", {
      userAgent: "Firefox/140.0 (X11; Linux)",
      serviceWorker: {
        register: async () => this.registration,
        getRegistrations: async () => [this.registration],
      },
    });
  }

  show(data: unknown): void {
    const shown = { data, close: () => this.shown.delete(shown) };
    this.shown.add(shown);
  }
}

const call = vi.fn<(what: string, options?: unknown) => Promise<unknown>>();

function owner(me: string, serviceWorker: string | null = WORKER) {
  // Of a client, push uses its calls only.
  const client = { call } as unknown as Callboard;
  return { client, me, locale: "en", options: { serviceWorker } };
}

const calls = (): string[] => call.mock.calls.map(([what]) => what);

let browser: Browser;

beforeEach(() => {
  browser = new Browser();
  call.mockReset();
  call.mockResolvedValue({ id: "k", public_key: "AAAA" });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe("signing out", () => {
  test("ends the subscription, and takes back what is shown of it, without the server", async () => {
    await enablePush(owner("ada"));
    expect(await pushState(owner("ada"))).toBe("on");
    browser.show({ callboard: true, conversationId: "talk", seq: 1 });
    browser.show({ callboard: true, conversationId: null, seq: null });
    browser.show({ theirs: true });
    call.mockReset();

    await forgetPush(WORKER);

    expect(browser.isSubscribed).toBe(false);
    expect(keptDevice()).toBeNull();
    expect([...browser.shown].map(({ data }) => data)).toEqual([{ theirs: true }]);
    expect(await pushState(owner("ada"))).toBe("off");
    // Whose token is gone cannot call: the push service refuses the next push instead.
    expect(call).not.toHaveBeenCalled();
  });

  test("leaves the subscription of another worker of the site alone", async () => {
    await enablePush(owner("ada"));
    browser.registration.active.scriptURL = `${ORIGIN}/theirs.js`;
    await forgetPush(WORKER);
    expect(browser.isSubscribed).toBe(true);
    expect(keptDevice()).toBeNull();
  });

  test("does nothing where push was never on", async () => {
    browser.isSubscribed = true;
    await forgetPush(WORKER);
    expect(browser.isSubscribed).toBe(true);
    await forgetPush(null);
  });
});

describe("another person", () => {
  test("who comes ends what the one before has left, and tells no server of it", async () => {
    await enablePush(owner("ada"));
    call.mockReset();
    await keepPush(owner("grace"));
    expect(browser.isSubscribed).toBe(false);
    expect(keptDevice()).toBeNull();
    expect(call).not.toHaveBeenCalled();
  });

  test("who switches it on is a device of their own", async () => {
    await enablePush(owner("ada"));
    const adas = keptDevice();
    await enablePush(owner("grace"));
    const graces = keptDevice();
    expect(graces?.userId).toBe("grace");
    expect(graces?.deviceId).not.toBe(adas?.deviceId);
    expect(await pushState(owner("ada"))).toBe("off");
    expect(await pushState(owner("grace"))).toBe("on");
  });
});

test("who comes back is the same device, and the server is told again", async () => {
  await enablePush(owner("ada"));
  const before = keptDevice();
  call.mockClear();
  await keepPush(owner("ada"));
  expect(keptDevice()).toEqual(before);
  expect(calls()).toEqual(["GET /v1/push/vapid-key", "PUT /v1/devices/{device_id}"]);
});

test("switched off, nothing comes any more, even if the server cannot be told", async () => {
  await enablePush(owner("ada"));
  call.mockRejectedValue(new Problem("offline"));
  await expect(disablePush(owner("ada"))).rejects.toMatchObject({ code: "offline" });
  expect(browser.isSubscribed).toBe(false);
  expect(keptDevice()).toBeNull();
});

test("a page that names no worker has no push", async () => {
  expect(await enablePush(owner("ada", null))).toBe("unsupported");
  expect(call).not.toHaveBeenCalled();
});
