import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConnectionStore } from "../src/connections.js";
import { ConversationStore } from "../src/conversations.js";
import { Problem } from "../src/errors.js";
import type { Connection, Notification } from "../src/generated/contract.js";
import { InboxStore } from "../src/inbox.js";
import { PeopleStore } from "../src/people.js";
import { PresenceStore } from "../src/presence.js";
import { progressOf } from "../src/progress.js";
import type { Told } from "../src/types.js";
import { ADA, BOB, later, ME, ModelWire, notification, Talk } from "./model.js";

const NOTIFICATIONS = "GET /v1/notifications";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function listed(count: number) {
  const wire = new ModelWire();
  const talks = Array.from({ length: count }, (_, i) => wire.talk(`c${i}`));
  for (const talk of talks) talk.post(ADA);
  const conversations = new ConversationStore(wire);
  conversations.subscribe(() => undefined);
  return { wire, talks, conversations };
}

function ids(conversations: ConversationStore): string[] {
  return conversations.get().items.map((each) => each.id);
}

test("the list is in order of activity, comes page by page, and moves with what is said", async () => {
  const { wire, talks, conversations } = listed(120);
  await vi.advanceTimersByTimeAsync(0);
  expect(ids(conversations)).toEqual(
    talks
      .slice(70)
      .map((each) => each.id)
      .reverse(),
  );
  expect(conversations.get()).toMatchObject({ isLoaded: true, hasMore: true });
  wire.tell(talks[80]?.post(BOB) ?? expect.fail());
  expect(ids(conversations)[0]).toBe("c80");
  // One that was not in the list yet is fetched.
  wire.tell(talks[3]?.post(BOB) ?? expect.fail());
  await vi.advanceTimersByTimeAsync(0);
  expect(ids(conversations).slice(0, 2)).toEqual(["c3", "c80"]);
  expect(conversations.get().items[0]?.unread).toBe(2);
  await conversations.more();
  await conversations.more();
  await conversations.more();
  expect(ids(conversations)).toHaveLength(120);
  expect(conversations.get().hasMore).toBe(false);
  expect(conversations.get().items).toEqual(
    ids(conversations).map((id) => wire.talks.get(id)?.conversation()),
  );
});

test("what is told while the list is fetched is in it", async () => {
  const { wire, talks, conversations } = listed(3);
  let arrive = () => {};
  wire.latency = () => new Promise((resolve) => (arrive = resolve));
  await vi.advanceTimersByTimeAsync(0);
  wire.tell(talks[0]?.post(ADA) ?? expect.fail(), talks[1]?.rename("Told") ?? expect.fail());
  wire.tell(talks[2]?.leave(ME) ?? expect.fail());
  for (let i = 0; i < 5; i++) {
    arrive();
    await vi.advanceTimersByTimeAsync(0);
  }
  wire.latency = () => Promise.resolve();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(ids(conversations)).toEqual(["c0", "c1"]);
  expect(conversations.get().items).toEqual([talks[0]?.conversation(), talks[1]?.conversation()]);
});

test("what was left while one was away goes, and what was begun comes", async () => {
  const { wire, talks, conversations } = listed(3);
  await vi.advanceTimersByTimeAsync(0);
  talks[1]?.leave(ME);
  wire.talk("new").post(ADA);
  await wire.greet(true);
  expect(ids(conversations)).toEqual(["new", "c2", "c0"]);
});

test("a conversation that is not one's own is null, and one that fails is a problem", async () => {
  const { wire, conversations } = listed(1);
  await vi.advanceTimersByTimeAsync(0);
  expect(await conversations.find("elsewhere")).toBeNull();
  wire.answers.set("GET /v1/conversations/{conversation_id}", () => {
    throw new Problem("unavailable");
  });
  await expect(conversations.find("again")).rejects.toMatchObject({ code: "unavailable" });
});

test("whatever is said, read, deleted or repeated, unread is what the server counts", async () => {
  const step = fc.record({
    do: fc.constantFrom("post", "mine", "read", "remove", "repeat", "fetch", "late", "pass"),
    which: fc.nat(1000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { wire, talks, conversations } = listed(1);
      const talk = talks[0] ?? expect.fail();
      await vi.advanceTimersByTimeAsync(0);
      const told: Told[] = [];
      const late: Told[] = [];
      const say = (event: Told) => {
        told.push(event);
        wire.tell(event);
      };
      for (const { do: what, which } of steps) {
        const seq = (which % talk.messages.length) + 1;
        const isThere = talk.message(seq).deleted_at === null;
        if (what === "post") say(talk.post(ADA));
        else if (what === "mine") say(talk.post(ME));
        else if (what === "read") say(talk.read(ME, seq));
        else if (what === "remove" && isThere) say(talk.remove(seq));
        // Committed already, and told only after something else.
        else if (what === "late" && isThere) late.push(talk.remove(seq));
        else if (what === "repeat") wire.tell(told[which % told.length] ?? talk.read(ADA, 1));
        else if (what === "fetch") conversations.refresh(talk.id).catch(() => undefined);
        else await vi.advanceTimersByTimeAsync(which * 10);
        if (which % 3 === 0) for (const event of late.splice(0)) say(event);
      }
      for (const event of late) say(event);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(conversations.get().items).toEqual([talk.conversation()]);
    }),
    { numRuns: 100 },
  );
}, 60_000);

test("a message has come as far as the last of its recipients", () => {
  const talk = new Talk("c1");
  talk.post(ME);
  const message = talk.message(1);
  const progress = () => progressOf(message, talk.conversation(), ME);
  expect(progress()).toBe("sent");
  talk.deliver(ADA, 1);
  expect(progress()).toBe("sent");
  talk.read(BOB, 1);
  expect(progress()).toBe("delivered");
  // Who answers has read it, and no receipt says so.
  talk.post(ADA);
  expect(progress()).toBe("read");
  expect(progressOf(message, { ...talk.conversation(), participant_count: 80 }, ME)).toBe("sent");
});

function told(type: "notification.created" | "notification.updated", one: Notification): Told {
  return { type, at: later(), data: { notification: one } };
}

async function inboxOf(items: Notification[], unread: number) {
  const wire = new ModelWire();
  wire.answers.set(NOTIFICATIONS, () => ({ items, next: null }));
  const counts: number[] = [];
  const inbox = new InboxStore(wire, (count) => counts.push(count));
  const said = { conversations: 0, messages: 0, notifications: unread };
  await wire.greet(true, { unread: said });
  await inbox.load();
  return { wire, inbox, counts };
}

test("the inbox only moves on, whatever order it is told in", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(4), { maxLength: 12 }), async (order) => {
      const { wire, inbox } = await inboxOf([], 0);
      const first = notification("1");
      const second = { ...first, count: 2 };
      const seen = { ...second, seen_at: later() };
      const read = { ...seen, read_at: later(), is_read: true };
      const states = [first, second, seen, read, { ...read, archived_at: later() }];
      wire.tell(told("notification.created", first));
      let furthest = 0;
      for (const place of order) {
        furthest = Math.max(furthest, place);
        wire.tell(told("notification.updated", states[place] ?? first));
        expect(inbox.get().items).toEqual(furthest === 4 ? [] : [states[furthest]]);
        expect(inbox.get().unread).toBe(furthest < 3 ? 1 : 0);
      }
    }),
    { numRuns: 100 },
  );
});

test("what the greeting counted is not counted again when it comes", async () => {
  const [one, other] = [notification("1"), notification("2")];
  const { wire, inbox, counts } = await inboxOf([one], 2);
  wire.tell(told("notification.created", other), told("notification.created", one));
  expect(inbox.get()).toMatchObject({ unread: 2, items: [{ id: "2" }, { id: "1" }] });
  wire.tell(told("notification.created", notification("3")));
  expect(inbox.get().unread).toBe(3);
  // One from before the list, read on another device.
  wire.tell(told("notification.updated", notification("0", { read_at: later(), is_read: true })));
  expect(inbox.get().unread).toBe(2);
  expect(counts.at(-1)).toBe(2);
});

test("marks are shown at once, and put back where they are refused", async () => {
  const items = [notification("2"), notification("1")];
  const { wire, inbox } = await inboxOf(items, 2);
  wire.answers.set("notification.archive", () => {
    throw new Problem("rate_limited");
  });
  const refused = inbox.archive(["2"]);
  expect(inbox.get()).toMatchObject({ unread: 1, items: [{ id: "1" }] });
  await expect(refused).rejects.toMatchObject({ code: "rate_limited" });
  expect(inbox.get()).toMatchObject({ unread: 2, items });
  const unread = { conversations: 0, messages: 0, notifications: 0 };
  wire.answers.set("notification.read", () => ({ unread }));
  await inbox.read("all");
  expect(inbox.get().unread).toBe(0);
  expect(inbox.get().items.every((each) => each.is_read)).toBe(true);
});

test("what expires goes in that moment, from the list and from the count", async () => {
  const inMs = (ms: number) => ({ expires_at: new Date(Date.now() + ms).toISOString() });
  const items = [notification("2", inMs(60_000)), notification("1", inMs(40 * 86_400_000))];
  const { inbox, counts } = await inboxOf(items, 2);
  await vi.advanceTimersByTimeAsync(59_000);
  expect(inbox.get().items).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(inbox.get()).toMatchObject({ unread: 1, items: [{ id: "1" }] });
  await vi.advanceTimersByTimeAsync(40 * 86_400_000);
  expect(inbox.get()).toMatchObject({ unread: 0, items: [] });
  expect(counts.at(-1)).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("an inbox that is closed waits for no expiry", async () => {
  const expires_at = new Date(Date.now() + 60_000).toISOString();
  const { inbox } = await inboxOf([notification("1", { expires_at })], 1);
  expect(vi.getTimerCount()).toBe(1);
  inbox.close();
  expect(vi.getTimerCount()).toBe(0);
});

test("connections and blocks are listed whole, and follow events", async () => {
  const wire = new ModelWire();
  const link = (id: string, other: string): Connection => ({
    id,
    requester_id: ME,
    recipient_id: other,
    status: "pending",
    message: null,
    created_at: later(),
    updated_at: later(),
  });
  const [first, second] = [link("1", ADA), link("2", BOB)];
  const pages: Record<string, object> = {
    "": { items: [second], next: "more" },
    more: { items: [first], next: null },
  };
  wire.answers.set("GET /v1/connections", (asked) => pages[Object(asked).next ?? ""]);
  wire.answers.set("GET /v1/blocks", () => ({
    items: [{ user_id: "eve", created_at: later() }],
    next: null,
  }));
  const store = new ConnectionStore(wire);
  await store.load();
  expect(store.get()).toMatchObject({ items: [{ id: "2" }, { id: "1" }], isLoaded: true });
  expect([...store.get().blocked]).toEqual(["eve"]);
  const accepted: Connection = { ...first, status: "accepted", updated_at: later() };
  const at = later();
  wire.tell({ type: "connection.accepted", at, data: { connection: accepted } });
  wire.tell({ type: "connection.requested", at, data: { connection: first } });
  expect(store.with(ADA)?.status).toBe("accepted");
  await store.block(ADA);
  await store.unblock("eve");
  expect([...store.get().blocked]).toEqual([ADA]);
});

test("people are fetched together, once, a hundred at a time", async () => {
  const wire = new ModelWire();
  wire.answers.set("GET /v1/users", (asked) => ({
    items: Object(asked)
      .ids.filter((id: string) => id !== "nobody")
      .map((id: string) => ({ id, display_name: id })),
  }));
  const people = new PeopleStore(wire);
  people.want([ADA, BOB]);
  people.want([ADA, "nobody"]);
  people.want(Array.from({ length: 120 }, (_, i) => `user-${i}`));
  const found = people.find(BOB);
  await vi.advanceTimersByTimeAsync(100);
  expect(wire.count("GET /v1/users")).toBe(2);
  expect(people.get().get("nobody")).toBeNull();
  expect(await found).toMatchObject({ id: BOB });
  people.want([ADA]);
  await vi.advanceTimersByTimeAsync(100);
  expect(wire.count("GET /v1/users")).toBe(2);
  people.want(Array.from({ length: 5000 }, (_, i) => `later-${i}`));
  await vi.advanceTimersByTimeAsync(100);
  expect(people.get().size).toBe(2000);
});

test("people who could not be fetched are asked for again", async () => {
  const wire = new ModelWire();
  wire.answers.set("GET /v1/users", () => {
    throw new Problem("unavailable");
  });
  const people = new PeopleStore(wire);
  await expect(Promise.all([people.find(ADA), vi.advanceTimersByTimeAsync(20)])).rejects.toThrow();
  wire.answers.set("GET /v1/users", () => ({ items: [{ id: ADA }] }));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(people.get().get(ADA)).toEqual({ id: ADA });
});

test("who is looked at twice is watched once, and again after each greeting", async () => {
  const wire = new ModelWire();
  wire.answers.set("presence.watch", (asked) => ({
    presence: Object(asked).user_ids.map((user_id: string) => ({
      user_id,
      status: "online",
      last_seen_at: null,
    })),
  }));
  const presence = new PresenceStore(wire);
  const ends = [presence.watch([ADA, BOB]), presence.watch([ADA])];
  await vi.advanceTimersByTimeAsync(200);
  expect(wire.count("presence.watch")).toBe(1);
  expect([...presence.get().keys()]).toEqual([ADA, BOB]);
  await presence.set("invisible");
  await wire.greet(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(wire.count("presence.watch")).toBe(2);
  expect(wire.asked.filter((each) => each.what === "presence.set")).toHaveLength(2);
  ends[0]?.();
  ends[0]?.();
  await vi.advanceTimersByTimeAsync(200);
  expect([...presence.get().keys()]).toEqual([ADA]);
  ends[1]?.();
  await vi.advanceTimersByTimeAsync(200);
  expect(presence.get().size).toBe(0);
  presence.watch(Array.from({ length: 700 }, (_, i) => `user-${i}`));
  await vi.advanceTimersByTimeAsync(1000);
  expect(presence.get().size).toBe(500);
});
