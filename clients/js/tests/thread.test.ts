import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConversationStore } from "../src/conversations.js";
import { Problem } from "../src/errors.js";
import type { ThreadStore } from "../src/thread.js";
import { threadsOf } from "../src/threads.js";
import { ADA, BOB, ME, ModelWire, type Talk } from "./model.js";

const MESSAGES = "GET /v1/conversations/{conversation_id}/messages";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function stage(count = 0, windowSize?: number) {
  const wire = new ModelWire();
  const talk = wire.talk("c1");
  for (let i = 0; i < count; i++) talk.post(i % 3 === 0 ? ME : ADA);
  const conversations = new ConversationStore(wire);
  const threads = threadsOf(wire, conversations, windowSize);
  return { wire, talk, conversations, threads, thread: threads("c1") };
}

/** Look at a thread, and wait until it is loaded. */
async function opened(count = 0, windowSize?: number) {
  const all = stage(count, windowSize);
  const stop = all.thread.subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(1000);
  return { ...all, stop };
}

function seqs(thread: ThreadStore): number[] {
  return thread.get().messages.map((each) => each.seq);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

test("the first look loads the newest, and what comes joins them", async () => {
  const { wire, talk, thread } = await opened(120);
  expect(seqs(thread)).toEqual(range(71, 120));
  expect(thread.get()).toMatchObject({ isLoaded: true, hasOlder: true, hasNewer: false });
  expect(wire.count(MESSAGES)).toBe(1);
  wire.tell(talk.post(ADA), talk.post(BOB));
  expect(seqs(thread)).toEqual(range(71, 122));
});

test("an empty conversation is empty, and begins with what comes", async () => {
  const { wire, talk, thread } = await opened(0);
  expect(thread.get()).toMatchObject({ isLoaded: true, hasOlder: false, hasNewer: false });
  wire.tell(talk.post(ADA));
  expect(seqs(thread)).toEqual([1]);
});

test("scrolling back goes to the beginning and stays within the window", async () => {
  const { thread } = await opened(430, 150);
  for (let i = 0; i < 8; i++) {
    await thread.older();
    const shown = seqs(thread);
    expect(shown).toEqual(range(shown[0] ?? 0, shown.at(-1) ?? 0));
    expect(shown.length).toBeLessThanOrEqual(150);
  }
  expect(seqs(thread)).toEqual(range(1, 150));
  expect(thread.get()).toMatchObject({ hasOlder: false, hasNewer: true });
  for (let i = 0; i < 8; i++) await thread.newer();
  expect(seqs(thread)).toEqual(range(281, 430));
  expect(thread.get()).toMatchObject({ hasOlder: true, hasNewer: false });
});

test("going back and forth over what is in memory asks nothing", async () => {
  const { wire, thread } = await opened(300, 100);
  for (let i = 0; i < 3; i++) await thread.older();
  const asked = wire.count(MESSAGES);
  await thread.newer();
  await thread.newer();
  await thread.older();
  await thread.older();
  expect(wire.count(MESSAGES)).toBe(asked);
});

test("little steps show as many as they say, and ask for a page at a time", async () => {
  const { wire, thread } = await opened(300, 100);
  const asked = wire.count(MESSAGES);
  for (let step = 1; step <= 5; step++) {
    await thread.older(20);
    expect(seqs(thread)[0]).toBe(251 - 20 * step);
  }
  expect(wire.count(MESSAGES) - asked).toBe(2);
  await thread.newer(20);
  expect(seqs(thread)).toEqual(range(171, 270));
  expect(wire.count(MESSAGES) - asked).toBe(2);
});

test("a jump shows what is around a message, and a second one wins over the first", async () => {
  const { thread, wire } = await opened(1000);
  await thread.jumpTo(400);
  expect(seqs(thread)).toEqual(range(376, 425));
  expect(thread.get()).toMatchObject({ hasOlder: true, hasNewer: true });
  const asked = wire.count(MESSAGES);
  await Promise.all([thread.jumpTo(100), thread.jumpTo(3)]);
  expect(seqs(thread)).toEqual(range(1, 28));
  expect(wire.count(MESSAGES) - asked).toBeLessThanOrEqual(4);
  await thread.jumpToLatest();
  expect(seqs(thread).at(-1)).toBe(1000);
  expect(thread.get().hasNewer).toBe(false);
});

test("while one reads above, what comes does not move the window", async () => {
  const { wire, talk, thread } = await opened(500, 100);
  await thread.jumpTo(200);
  const before = thread.get().messages;
  wire.tell(talk.post(ADA));
  expect(thread.get().messages).toBe(before);
  expect(thread.get().hasNewer).toBe(true);
});

test("a gap is not shown over, and is fetched", async () => {
  const { wire, talk, thread } = await opened(10);
  talk.post(ADA);
  talk.post(BOB);
  wire.tell(talk.post(ADA));
  expect(seqs(thread)).toEqual(range(1, 10));
  await vi.advanceTimersByTimeAsync(1000);
  expect(seqs(thread)).toEqual(range(1, 13));
});

test("events that come in disorder fetch nothing", async () => {
  const { wire, talk, thread } = await opened(10);
  const [one, other] = [talk.post(ADA), talk.post(ADA)];
  const asked = wire.count(MESSAGES);
  wire.tell(other, one, other);
  await vi.advanceTimersByTimeAsync(1000);
  expect(seqs(thread)).toEqual(range(1, 12));
  expect(wire.count(MESSAGES)).toBe(asked);
});

test("what one may not read from before joining is not looked for again", async () => {
  const { wire, talk, thread } = stage(300);
  talk.hidden = 290;
  thread.subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(1000);
  expect(seqs(thread)).toEqual(range(291, 300));
  expect(thread.get().hasOlder).toBe(false);
  const asked = wire.count(MESSAGES);
  await thread.older();
  await thread.jumpTo(5);
  expect(seqs(thread)).toEqual(range(291, 300));
  expect(wire.count(MESSAGES) - asked).toBeLessThanOrEqual(1);
});

test("nothing readable at all is an empty thread that follows", async () => {
  const { wire, talk, thread } = stage(3000);
  talk.hidden = 3000;
  thread.subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(1000);
  expect(thread.get()).toMatchObject({ messages: [], hasOlder: false, hasNewer: false });
  wire.tell(talk.post(ADA));
  expect(seqs(thread)).toEqual([3001]);
});

test("after changes that no event tells, the old stays until the new is there", async () => {
  const { wire, talk, thread } = await opened(100);
  talk.edit(60, "Better");
  talk.remove(70);
  talk.post(ADA);
  let arrive = () => {};
  wire.latency = () => new Promise((resolve) => (arrive = resolve));
  const shown: number[] = [];
  thread.subscribe(() => shown.push(thread.get().messages.length));
  const greeted = wire.greet(true);
  await vi.advanceTimersByTimeAsync(0);
  wire.tell(talk.react(80, BOB, "🎉"));
  wire.tell(talk.edit(90, "While it is fetched"));
  for (let i = 0; i < 10; i++) {
    arrive();
    await vi.advanceTimersByTimeAsync(0);
  }
  await greeted;
  const { messages } = thread.get();
  expect(messages.map((each) => each.seq)).toEqual(range(51, 101));
  expect(messages).toEqual(range(51, 101).map((seq) => talk.message(seq)));
  expect(Math.min(...shown)).toBe(50);
});

test("what comes while the first messages are fetched joins the end", async () => {
  const { wire, talk, thread } = stage(3);
  let arrive = () => {};
  wire.latency = () => new Promise((resolve) => (arrive = resolve));
  thread.subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(0);
  // The conversation has come, its messages have not.
  arrive();
  await vi.advanceTimersByTimeAsync(0);
  wire.tell(talk.post(ADA));
  arrive();
  await vi.advanceTimersByTimeAsync(0);
  expect(seqs(thread)).toEqual([1, 2, 3, 4]);
  expect(thread.get().hasNewer).toBe(false);
});

test("what was told before something was missed is fetched by the first look", async () => {
  const { wire, talk, thread } = stage(0);
  wire.tell(talk.post(ADA));
  talk.edit(1, "Better");
  await wire.greet(true);
  expect(wire.count(MESSAGES)).toBe(0);
  await thread.load();
  expect(thread.get().messages).toEqual([talk.message(1)]);
});

test("what was all told live is shown without asking", async () => {
  const { wire, talk, thread } = stage(0);
  wire.tell(talk.post(ADA));
  await thread.load();
  expect(seqs(thread)).toEqual([1]);
  expect(wire.count(MESSAGES)).toBe(0);
});

test("who was away for very long is shown the end", async () => {
  const { wire, talk, thread } = await opened(100);
  for (let i = 0; i < 5000; i++) talk.post(ADA);
  const asked = wire.count(MESSAGES);
  await wire.greet(true);
  expect(seqs(thread)).toEqual(range(5051, 5100));
  expect(wire.count(MESSAGES) - asked).toBeLessThan(5);
});

test("a load that fails says so, and the next greeting does it again", async () => {
  const { wire, talk, thread } = stage(3);
  wire.answers.set(MESSAGES, () => Promise.reject(new Problem("offline")));
  wire.isOnline = false;
  thread.subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(0);
  expect(thread.get()).toMatchObject({ isLoaded: false, isLoading: false });
  expect(thread.get().problem?.code).toBe("offline");
  wire.answers.delete(MESSAGES);
  await wire.greet(true);
  expect(seqs(thread)).toEqual([1, 2, 3]);
  expect(thread.get().problem).toBeNull();
  // And where it is the server that cannot, soon by itself.
  await wire.greet(false);
  wire.answers.set(MESSAGES, () => Promise.reject(new Problem("unavailable")));
  talk.post(ADA);
  wire.tell(talk.post(ADA));
  await vi.advanceTimersByTimeAsync(1000);
  expect(thread.get().problem?.code).toBe("unavailable");
  wire.answers.delete(MESSAGES);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seqs(thread)).toEqual([1, 2, 3, 4, 5]);
  expect(thread.get().problem).toBeNull();
});

test("edit, delete and reactions are shown at once, and put back where they are refused", async () => {
  const { wire, talk, thread } = await opened(3);
  const before = thread.get().messages;
  for (const what of ["message.edit", "message.delete", "reaction.add"]) {
    wire.answers.set(what, () => Promise.reject(new Problem("forbidden")));
  }
  const first = talk.message(1).id;
  const refused = [
    thread.edit(first, "Otherwise"),
    thread.remove(talk.message(2).id),
    thread.react(talk.message(3).id, "👍", true),
  ];
  const shown = thread.get().messages;
  expect(shown[0]).toMatchObject({ body: "Otherwise", edited_at: expect.any(String) });
  expect(shown[1]).toMatchObject({ body: "", deleted_at: expect.any(String) });
  expect(shown[2]?.reactions).toEqual({ "👍": [ME] });
  const results = await Promise.allSettled(refused);
  expect(results.map((each) => each.status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(thread.get().messages).toEqual(before);

  wire.answers.set("message.edit", () => {
    talk.edit(1, "Otherwise");
    return { message: talk.message(1) };
  });
  await thread.edit(first, "Otherwise");
  expect(thread.get().messages[0]).toEqual(talk.message(1));
});

test("typing is told now and then, and taken back by itself", async () => {
  const { wire, talk, thread } = await opened(1);
  const told = () => wire.asked.filter((each) => each.what === "typing").map((each) => each.data);
  for (let i = 0; i < 40; i++) {
    thread.typing();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(told()).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(6000);
  expect(told().at(-1)).toEqual({ conversation_id: "c1", active: false });
  expect(told()).toHaveLength(3);

  const typing = { conversation_id: "c1", user_id: ADA, active: true };
  wire.tell({ type: "typing", at: "", data: typing });
  await vi.advanceTimersByTimeAsync(0);
  expect(thread.get().typing).toEqual([ADA]);
  await vi.advanceTimersByTimeAsync(6000);
  expect(thread.get().typing).toEqual([]);
  wire.tell({ type: "typing", at: "", data: typing }, talk.post(ADA));
  await vi.advanceTimersByTimeAsync(0);
  expect(thread.get().typing).toEqual([]);
});

test("reading is told once, and again after a fault", async () => {
  const { wire, talk, thread } = await opened(1);
  wire.tell(talk.post(ADA), talk.post(ADA), talk.post(ADA));
  expect(thread.get().conversation?.unread).toBe(3);
  wire.answers.set("conversation.read", () => Promise.reject(new Problem("unavailable")));
  thread.read(2);
  thread.read(3);
  thread.read(3);
  thread.read(1);
  expect(thread.get().conversation?.unread).toBe(1);
  await vi.advanceTimersByTimeAsync(260);
  wire.answers.delete("conversation.read");
  await vi.advanceTimersByTimeAsync(60_000);
  thread.read();
  await vi.advanceTimersByTimeAsync(60_000);
  const told = wire.asked.filter((each) => each.what === "conversation.read");
  expect(told.map((each) => each.data)).toEqual([
    { conversation_id: "c1", seq: 3 },
    { conversation_id: "c1", seq: 3 },
    { conversation_id: "c1", seq: 4 },
  ]);
  expect(thread.get().conversation?.unread).toBe(0);
});

test("what arrives is told as delivered, gathered", async () => {
  const { wire, talk } = await opened(0);
  for (let i = 0; i < 20; i++) wire.tell(talk.post(ADA));
  await vi.advanceTimersByTimeAsync(1000);
  const told = wire.asked.filter((each) => each.what === "conversation.delivered");
  expect(told.map((each) => each.data)).toEqual([{ conversation_id: "c1", seq: 20 }]);
});

test("the new-messages line stays where one had read to when one opened it", async () => {
  const { wire, talk, thread, stop } = await opened(4);
  expect(thread.get().readWhenOpened).toBe(4);
  wire.tell(talk.post(ADA));
  thread.read();
  expect(thread.get().readWhenOpened).toBe(4);
  stop();
  thread.subscribe(() => undefined);
  expect(thread.get().readWhenOpened).toBe(5);
});

test("what was loaded before one knew who one is is right after the greeting", async () => {
  const { wire, talk, thread } = stage(4);
  wire.userId = "";
  talk.post(ADA);
  thread.subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(0);
  expect(thread.get()).toMatchObject({ isLoaded: true, readWhenOpened: null });
  wire.userId = ME;
  await wire.greet(true);
  expect(thread.get().readWhenOpened).toBe(4);
  thread.read();
  expect(thread.get().conversation?.unread).toBe(0);
  expect(seqs(thread)).toEqual(range(1, 5));
});

test("who is removed sees nothing more, and who comes back what they may", async () => {
  const { wire, talk, thread } = await opened(5);
  wire.tell(talk.leave(ME));
  expect(thread.get()).toMatchObject({ messages: [], conversation: null });
  expect(thread.get().problem?.code).toBe("not_a_participant");
  talk.post(ADA);
  talk.join(ME);
  talk.hidden = 6;
  wire.tell(talk.rename("Again"));
  wire.tell(talk.post(ADA));
  await vi.advanceTimersByTimeAsync(1000);
  expect(seqs(thread)).toEqual([7]);
  expect(thread.get().problem).toBeNull();
});

test("one thread is one object, and those not looked at give their messages up", async () => {
  const { wire, threads, thread, stop } = await opened(5);
  stop();
  for (let i = 0; i < 30; i++) {
    wire.talk(`other-${i}`);
    threads(`other-${i}`);
  }
  expect(threads("c1")).toBe(thread);
  expect(thread.get()).toMatchObject({ messages: [], isLoaded: false });
  thread.subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(0);
  expect(seqs(thread)).toEqual(range(1, 5));
});

test("a hundred thousand messages are scrolled through within bounds", async () => {
  const { wire, talk, thread } = await opened(100_000);
  const counts = { steps: 0, asked: wire.count(MESSAGES), shown: 0 };
  while (thread.get().hasOlder) {
    await thread.older();
    counts.steps += 1;
    counts.shown = Math.max(counts.shown, thread.get().messages.length);
    expect(thread.held).toBeLessThan(2000);
  }
  expect(seqs(thread)[0]).toBe(1);
  // Each step one page, and nothing twice.
  expect(counts.steps).toBe(99_950 / 50);
  expect(wire.count(MESSAGES) - counts.asked).toBe(counts.steps);
  expect(counts.shown).toBe(200);
  wire.tell(talk.post(ADA));
  expect(thread.get().hasNewer).toBe(true);
}, 60_000);

type Step = { do: string; which: number };

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom(
    ...["post", "post", "lost", "edit", "remove", "react", "read"],
    ...["older", "newer", "jump", "latest", "wait", "greet", "away"],
  ),
  which: fc.nat(400),
});

/** Let a step happen on the server, the line, or the page. */
function act(all: { wire: ModelWire; talk: Talk; thread: ThreadStore }, one: Step): void {
  const { wire, talk, thread } = all;
  const seq = (one.which % talk.messages.length) + 1;
  const who = one.which % 2 === 0 ? ADA : BOB;
  const isThere = talk.message(seq).deleted_at === null;
  if (one.do === "post") wire.tell(talk.post(who));
  else if (one.do === "lost") talk.post(who);
  else if (one.do === "edit" && isThere) wire.tell(talk.edit(seq, `Better ${one.which}`));
  else if (one.do === "remove" && isThere) wire.tell(talk.remove(seq));
  else if (one.do === "react" && isThere) wire.tell(talk.react(seq, who, "👍"));
  else if (one.do === "read") wire.tell(talk.read(who, seq));
  else if (one.do === "older") thread.older();
  else if (one.do === "newer") thread.newer();
  else if (one.do === "jump") thread.jumpTo(seq);
  else if (one.do === "latest") thread.jumpToLatest();
  else if (one.do === "greet") wire.greet(one.which % 2 === 0).catch(() => undefined);
  else if (one.do === "away") for (let i = 0; i < one.which; i++) talk.post(who);
}

test("whatever happens in whatever order, the window is contiguous, bounded and true", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 400 }),
      fc.array(step, { maxLength: 40 }),
      fc.array(fc.nat(3), { minLength: 5, maxLength: 20 }),
      async (count, steps, delays) => {
        const all = stage(count, 100);
        const { wire, talk, thread } = all;
        let asked = 0;
        wire.latency = () =>
          new Promise((resolve) => setTimeout(resolve, delays[asked++ % delays.length]));
        const wrong: number[][] = [];
        thread.subscribe(() => {
          const shown = seqs(thread);
          const isContiguous = shown.every((seq, i) => seq === (shown[0] ?? 0) + i);
          if (!isContiguous || shown.length > 100) wrong.push(shown);
        });
        for (const one of steps) {
          act(all, one);
          await vi.advanceTimersByTimeAsync(one.do === "wait" ? 1000 : one.which % 3);
        }
        const greeted = wire.greet(true);
        await vi.advanceTimersByTimeAsync(60_000);
        await greeted;
        wire.tell(talk.post(ADA));
        expect(wrong).toEqual([]);
        const { messages, hasNewer, hasOlder, conversation, problem } = thread.get();
        expect(problem).toBeNull();
        expect(messages).toEqual(messages.map((each) => talk.message(each.seq)));
        expect(hasNewer).toBe(messages.at(-1)?.seq !== talk.messages.length);
        expect(hasOlder).toBe(messages[0]?.seq !== 1);
        expect(conversation).toEqual(talk.conversation());
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
