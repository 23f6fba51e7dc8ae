/** The service worker, in a scope whose events and windows a test makes. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

const SITE = "https://chat.example";

type Waiting = { waitUntil(work: Promise<unknown>): void };
type Data = Record<string, unknown>;

/** What is shown, and can be closed. */
class Shown {
  readonly data: unknown;

  constructor(
    readonly title: string,
    readonly options: Data & { tag?: string; data?: unknown },
    readonly all: Set<Shown>,
  ) {
    this.data = options.data;
  }

  close(): void {
    this.all.delete(this);
  }
}

/** A window of the chat, or of something else, which answers nothing. */
class Window {
  readonly told: Data[] = [];

  constructor(
    readonly focused: boolean,
    readonly shows?: string,
  ) {}

  readonly focus = vi.fn(async () => undefined);

  postMessage(message: Data, ports?: MessagePort[]): void {
    this.told.push(message);
    if (this.shows !== undefined) ports?.[0]?.postMessage({ conversationId: this.shows });
  }
}

/** All that the worker touches of its scope. */
class Scope {
  readonly shown = new Set<Shown>();
  readonly heard = new Map<string, (event: Waiting & Data) => void>();
  readonly openWindow = vi.fn(async () => null);
  readonly subscribe = vi.fn(async () => undefined);
  readonly setAppBadge = vi.fn(async () => undefined);
  windows: Window[] = [];

  readonly self = {
    location: { search: "?page=/messages" },
    navigator: { language: "de-AT", setAppBadge: this.setAppBadge },
    skipWaiting: async () => undefined,
    addEventListener: (type: string, listener: (event: Waiting & Data) => void) =>
      this.heard.set(type, listener),
    clients: {
      claim: async () => undefined,
      matchAll: async () => this.windows,
      openWindow: this.openWindow,
    },
    registration: {
      scope: `${SITE}/app/`,
      pushManager: { subscribe: this.subscribe },
      getNotifications: async ({ tag }: { tag: string }) =>
        [...this.shown].filter((each) => each.options.tag === tag),
      showNotification: async (title: string, options: Data & { tag?: string }) => {
        for (const each of this.shown) if (each.options.tag === options.tag) each.close();
        this.shown.add(new Shown(title, options, this.shown));
      },
    },
  };

  /** Have an event happen, and everything that it waits for. */
  async tell(type: string, event: Data = {}): Promise<void> {
    const work: Promise<unknown>[] = [];
    this.heard.get(type)?.({ ...event, waitUntil: (each) => work.push(each) });
    await Promise.all(work);
  }

  push(said: unknown): Promise<void> {
    const text = typeof said === "string" ? said : JSON.stringify(said);
    return this.tell("push", { data: { text: () => text } });
  }

  get titles(): string[] {
    return [...this.shown].map((each) => each.title);
  }
}

const message = (seq: number, more: Data = {}): Data => ({
  kind: "conversation",
  tag: "talk",
  title: `Message ${seq}`,
  conversation_id: "talk",
  seq,
  ...more,
});

let scope: Scope;

beforeEach(async () => {
  scope = new Scope();
  vi.stubGlobal("self", scope.self);
  vi.resetModules();
  // Its types are a worker's; those of this test are a page's.
  const worker: string = "../src/worker/sw.js";
  await import(/* @vite-ignore */ worker);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a push", () => {
  test("is shown, and keeps the place of what it is about", async () => {
    await scope.push(message(3, { at: "2026-11-21T12:00:00.000Z" }));
    const [shown] = scope.shown;
    expect(shown?.options).toMatchObject({
      tag: "talk",
      renotify: true,
      timestamp: Date.parse("2026-11-21T12:00:00.000Z"),
      data: { callboard: true, conversationId: "talk", seq: 3 },
    });
    await scope.push(message(4));
    expect(scope.titles).toEqual(["Message 4"]);
  });

  test("that was overtaken on its way is not shown", async () => {
    await scope.push(message(4));
    await scope.push(message(3));
    expect(scope.titles).toEqual(["Message 4"]);
  });

  test("takes back what was read elsewhere, and nothing later", async () => {
    await scope.push(message(3));
    await scope.push({ kind: "retract", tag: "talk", seq: 2 });
    expect(scope.titles).toEqual(["Message 3"]);
    await scope.push({ kind: "retract", tag: "talk", seq: 3 });
    expect(scope.titles).toEqual([]);
  });

  test("without words is said in the browser's language", async () => {
    await scope.push({ kind: "notification" });
    expect(scope.titles).toEqual(["Es gibt etwas Neues"]);
    // Browsers refuse it without a tag.
    expect([...scope.shown][0]?.options).toMatchObject({ tag: "", renotify: false });
  });

  test.each(["", "no JSON", "null", "[]", '{"kind":"other"}'])(
    "of %j is none of ours",
    async (text) => {
      await scope.push(text);
      expect(scope.titles).toEqual([]);
    },
  );

  test("says on the app's icon what is unread", async () => {
    await scope.push(message(1, { badge: 7 }));
    expect(scope.setAppBadge).toHaveBeenCalledExactlyOnceWith(7);
  });
});

describe("somebody who looks", () => {
  test("at the conversation is not told of it", async () => {
    scope.windows = [new Window(true, "talk")];
    await scope.push(message(1));
    expect(scope.titles).toEqual([]);
  });

  test.each([
    ["another conversation", new Window(true, "other")],
    ["it in a window behind others", new Window(false, "talk")],
    ["a page that does not answer", new Window(true)],
  ])("at %s is", async (_, window) => {
    scope.windows = [window];
    await scope.push(message(1));
    expect(scope.titles).toEqual(["Message 1"]);
  });
});

describe("pressing it", () => {
  async function press(): Promise<void> {
    const [notification] = scope.shown;
    await scope.tell("notificationclick", { notification });
  }

  test("leads there in the window that is in front", async () => {
    const [behind, front] = [new Window(false), new Window(true, "other")];
    scope.windows = [behind, front];
    await scope.push(message(1));
    await press();
    expect(front.told.at(-1)).toEqual({ callboard: "open", conversationId: "talk" });
    expect(front.focus).toHaveBeenCalledOnce();
    expect(behind.told).toEqual([]);
    expect(scope.titles).toEqual([]);
  });

  test("opens the page that the worker's address names, where no window is", async () => {
    await scope.push(message(1));
    await press();
    expect(scope.openWindow).toHaveBeenCalledExactlyOnceWith(`${SITE}/messages#conversation=talk`);
  });

  test("opens the inbox where it is about no conversation", async () => {
    await scope.push({ kind: "digest", tag: "digest", title: "Today" });
    await press();
    expect(scope.openWindow).toHaveBeenCalledExactlyOnceWith(
      `${SITE}/messages#panel=notifications`,
    );
  });

  test("never opens a page of another site", async () => {
    scope.self.location.search = "?page=https://evil.example/";
    await scope.push(message(1));
    await press();
    expect(scope.openWindow).toHaveBeenCalledExactlyOnceWith(`${SITE}/app/#conversation=talk`);
  });

  test("on what another worker of the site has shown is left to that", async () => {
    scope.shown.add(new Shown("Not ours", { data: { theirs: true } }, scope.shown));
    await press();
    expect(scope.titles).toEqual(["Not ours"]);
    expect(scope.openWindow).not.toHaveBeenCalled();
  });
});

test("a subscription that the browser has given up is made again, and windows tell of it", async () => {
  const window = new Window(false);
  scope.windows = [window];
  const applicationServerKey = new ArrayBuffer(65);
  await scope.tell("pushsubscriptionchange", {
    oldSubscription: { options: { applicationServerKey } },
  });
  expect(scope.subscribe).toHaveBeenCalledExactlyOnceWith({
    userVisibleOnly: true,
    applicationServerKey,
  });
  expect(window.told).toEqual([{ callboard: "subscription" }]);
  await scope.tell("pushsubscriptionchange", { newSubscription: {}, oldSubscription: null });
  expect(scope.subscribe).toHaveBeenCalledOnce();
  expect(window.told).toHaveLength(2);
});
