import { expect, test } from "vitest";
import type { Message, Thread } from "../../src/index.js";
import {
  bodies,
  conversationOf,
  cut,
  door,
  historyOf,
  lines,
  online,
  pair,
  unreadOf,
  until,
} from "./stage.js";

test("who was offline resumes by cursor, without fetching anything again", async () => {
  const { one, other, id } = await pair();
  const here = await online(one);
  const there = await online(other);
  const thread = there.thread(id);
  await Promise.all([here.thread(id).load(), thread.load(), until(there.me, (me) => me !== null)]);
  await until(there.conversations, ({ isLoaded }) => isLoaded);
  here.thread(id).send({ body: "before" });
  await until(thread, ({ messages }) => messages.length === 1);
  // The other goes offline; the line of the first comes back at once.
  await door("offline", {});
  await until(there.status, ({ state }) => state === "waiting");
  there.close();
  await door("calm", {});
  here.retryNow();
  const said = lines(5);
  for (const body of said) here.thread(id).send({ body });
  await until(here.thread(id), ({ pending }) => pending.length === 0);

  await door("calls", {});
  there.connect();
  const { messages } = await until(thread, (state) => state.messages.length === 6);
  expect(bodies(messages)).toEqual(["before", ...said]);
  await until(there.unread, ({ messages: count }) => count === 6);
  expect((await door("calls", {})).calls).toEqual([]);
});

test("what the server would not tell one by one is fetched when it says so", async () => {
  const { one, other, id } = await pair();
  const here = await online(one);
  const there = await online(other);
  const thread = there.thread(id);
  await thread.load();
  await until(there.conversations, ({ isLoaded }) => isLoaded);
  here.thread(id).send({ body: "before" });
  const [before] = (await until(thread, ({ messages }) => messages.length === 1)).messages;
  await door("drop_events", {});
  await here.thread(id).edit(before?.id ?? "", "said better");
  await here.thread(id).react(before?.id ?? "", "👍", true);
  for (const body of lines(3)) here.thread(id).send({ body });
  await until(here.thread(id), ({ pending }) => pending.length === 0);
  expect(bodies(thread.get().messages)).toEqual(["before"]);

  await door("resync", {});
  const { messages } = await until(thread, (state) => state.messages.length === 4);
  expect(messages).toEqual(await historyOf(other, id));
  const list = await until(there.conversations, ({ items }) => items[0]?.last_seq === 4);
  expect(list.items[0]?.last_message?.body).toBe("line 3");
  const waiting = await unreadOf(other);
  await until(there.unread, ({ messages: count }) => count === waiting.messages);
  expect(waiting.messages).toBe(4);
  // And from then on it is told as before.
  here.thread(id).send({ body: "after" });
  await until(thread, (state) => state.messages.length === 5);
});

test("who was away for so long that the cursor is unknown is shown everything anew", async () => {
  const { one, other, id } = await pair();
  const here = await online(one);
  const there = await online(other);
  const thread = there.thread(id);
  await thread.load();
  await until(there.conversations, ({ isLoaded }) => isLoaded);
  here.thread(id).send({ body: "before" });
  const [before] = (await until(thread, ({ messages }) => messages.length === 1)).messages;
  await door("forget_cursors", {});
  await door("offline", {});
  await until(there.status, ({ state }) => state === "waiting");
  there.close();
  await door("calm", {});
  here.retryNow();
  await here.thread(id).edit(before?.id ?? "", "said better");
  await here.thread(id).react(before?.id ?? "", "👍", true);
  here.thread(id).send({ body: "after" });
  await until(here.thread(id), ({ messages }) => messages.length === 2);

  await door("forget_cursors", {});
  there.connect();
  await until(thread, ({ messages }) => bodies(messages).join() === "said better,after");
  expect(thread.get().messages).toEqual(await historyOf(other, id));
  await until(there.unread, ({ messages }) => messages === 2);
  await until(
    there.conversations,
    ({ items }) => items[0]?.last_message?.body === "after" && items[0].unread === 2,
  );
});

test("events that come twice, late and out of order leave the same as the server has", async () => {
  const { one, other, id } = await pair();
  const here = await online(one);
  const there = await online(other);
  const mine = here.thread(id);
  const theirs = there.thread(id);
  await Promise.all([mine.load(), theirs.load()]);
  const faults = [watched(mine), watched(theirs)];
  here.conversations.subscribe(() => undefined);
  await door("wild", {});

  for (const body of lines(40, "here")) mine.send({ body });
  for (const body of lines(40, "there")) theirs.send({ body });
  await until(mine, ({ messages }) => messages.length >= 20);
  const early = mine.get().messages.slice(0, 6);
  for (const [index, { id, sender_id }] of early.entries()) {
    const author = sender_id === one.id ? mine : theirs;
    const reader = sender_id === one.id ? theirs : mine;
    await reader.react(id, "🎉", true);
    if (index % 3 === 0) await author.edit(id, `edited ${index}`);
    if (index % 3 === 1) await author.remove(id);
    if (index % 3 === 2) await reader.react(id, "🎉", false);
  }
  theirs.read();
  await until(mine, ({ messages, pending }) => messages.length === 80 && pending.length === 0);
  await until(theirs, ({ messages, pending }) => messages.length === 80 && pending.length === 0);
  await cut(here, there);
  mine.read();
  theirs.read();

  await until(here.unread, ({ messages }) => messages === 0);
  await until(there.unread, ({ messages }) => messages === 0);
  // Shown at once, and told a moment later.
  for (const each of [one, other]) {
    await expect.poll(async () => (await unreadOf(each)).messages, { timeout: 20_000 }).toBe(0);
  }
  const history = await historyOf(one, id);
  expect(history.length).toBe(80);
  await expect.poll(() => mine.get().messages).toEqual(history);
  await expect.poll(() => theirs.get().messages).toEqual(await historyOf(other, id));
  await expect
    .poll(() => here.conversations.get().items.find((each) => each.id === id))
    .toEqual(await conversationOf(one, id));
  expect(here.unread.get()).toEqual(await unreadOf(one));
  expect(faults.flat()).toEqual([]);
});

test("calls that a gateway answers, or nobody, are problems that pass", async () => {
  const { one, other, id } = await pair();
  const theirs = (await online(other)).thread(id);
  theirs.send({ body: "are you there?" });
  await until(theirs, ({ pending }) => pending.length === 0);
  // Nobody has told this one of it, so it has to be fetched.
  const here = await online(one);
  const thread = here.thread(id);
  await door("http", { path: "/messages?", fault: "gateway" });
  await thread.load().catch(() => undefined);
  const { problem } = await until(thread, (state) => state.problem !== null);
  expect(problem).toMatchObject({ code: "unavailable", retry: true });

  await door("http", { path: "/messages?", fault: "hangs" });
  const stopped = new AbortController();
  const searching = here.search("there", { signal: stopped.signal });
  const loading = thread.load();
  stopped.abort(new Error("No longer wanted."));
  await expect(searching).rejects.toThrow("No longer wanted.");

  // What is asked by the socket goes on meanwhile.
  expect(await here.command("ping", {})).toHaveProperty("at");
  await door("calm", {});
  await loading.catch(() => undefined);
  await thread.load();
  const { messages } = await until(thread, (state) => state.messages.length === 1);
  expect(bodies(messages)).toEqual(["are you there?"]);
  await until(thread, (state) => state.problem === null);
});

test("a line that is dead without a word is noticed, and left", async () => {
  const { one, other, id } = await pair();
  const here = await online(one);
  const thread = here.thread(id);
  await thread.load();
  await door("freeze", {});
  const left = until(here.status, ({ state }) => state === "waiting");
  thread.send({ body: "into nothing" });
  // What a browser does when its network comes back.
  here.retryNow();
  await left;
  await door("calm", {});
  here.retryNow();

  await until(thread, ({ messages, pending }) => messages.length === 1 && pending.length === 0);
  expect(bodies(await historyOf(other, id))).toEqual(["into nothing"]);
});

/** Gather what a thread must never show: a gap, a repeat, anything out of order. */
function watched(thread: Thread): string[] {
  const faults: string[] = [];
  thread.subscribe(() => {
    const { messages, pending } = thread.get();
    const first = messages[0]?.seq ?? 0;
    const isDense = messages.every(({ seq }, index) => seq === first + index);
    if (!isDense) faults.push(`not dense: ${messages.map(({ seq }) => seq)}`);
    const known = new Set(messages.map(({ client_id }: Message) => client_id));
    const shownTwice = pending.filter(({ clientId }) => known.has(clientId));
    if (shownTwice.length > 0)
      faults.push(`shown twice: ${bodies(shownTwice.map(({ draft }) => draft))}`);
  });
  return faults;
}
