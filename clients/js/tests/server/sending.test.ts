import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { IndexedDbOutbox } from "../../src/index.js";
import { upload } from "../../src/uploads.js";
import { bodies, clientOf, door, historyOf, lines, online, pair, until } from "./stage.js";

test("a server that is killed in mid-send loses no acknowledged message and repeats none", async () => {
  const { one, other, id } = await pair();
  const here = (await online(one)).thread(id);
  const there = (await online(other)).thread(id);
  await Promise.all([here.load(), there.load()]);
  const said = lines(150);
  for (const body of said) here.send({ body });

  await until(here, ({ messages }) => messages.length >= 40);
  await door("kill", {});
  const acknowledged = bodies(here.get().messages);
  await door("start", {});

  const mine = await until(here, ({ pending }) => pending.length === 0);
  const theirs = await until(there, ({ messages }) => messages.length >= said.length);
  const history = await historyOf(one, id);
  expect(acknowledged.length).toBeLessThan(said.length);
  expect(bodies(history)).toEqual(said);
  expect(history.map(({ seq }) => seq)).toEqual(said.map((_, index) => index + 1));
  expect(mine.messages.map(({ id }) => id)).toEqual(history.map(({ id }) => id));
  expect(theirs.messages.map(({ id }) => id)).toEqual(history.map(({ id }) => id));
});

test("a message whose acknowledgement is lost is sent again, and stored once", async () => {
  const { one, id } = await pair();
  const thread = (await online(one)).thread(id);
  await thread.load();
  await door("lose_replies", { count: 2 });
  for (const body of ["one", "two", "three"]) thread.send({ body });

  const { messages } = await until(thread, (state) => state.messages.length === 3);
  expect(bodies(messages)).toEqual(["one", "two", "three"]);
  expect(bodies(await historyOf(one, id))).toEqual(["one", "two", "three"]);
  await until(thread, ({ pending }) => pending.length === 0);
});

test("what waits in the outbox outlives the page, in its order, and is sent once", async () => {
  const { one, id } = await pair();
  const outbox = () => new IndexedDbOutbox(`of-${one.id}`);
  const before = await online(one, { outbox: outbox() });
  await before.thread(id).load();
  // The first is stored, but the page never hears of it; the rest is never sent.
  await door("lose_replies", { count: 1, stays_down: true });
  const cut = until(before.status, ({ state }) => state === "waiting");
  before.thread(id).send({ body: "stored" });
  await cut;
  before.thread(id).send({ body: "never sent" });
  before.thread(id).send({ body: "neither" });
  await storedIn(outbox(), one.id, 3);
  before.close();

  const after = clientOf(one, { outbox: outbox() });
  await door("calm", {});
  after.connect();
  const thread = after.thread(id);
  await until(thread, ({ messages }) => messages.length === 3);
  const { messages } = await until(thread, ({ pending }) => pending.length === 0);
  const said = ["stored", "never sent", "neither"];
  expect(bodies(messages)).toEqual(said);
  expect(bodies(await historyOf(one, id))).toEqual(said);
  await storedIn(outbox(), one.id, 0);
});

test("another person on the same device sees and sends nothing of what waits", async () => {
  const { one, other, id } = await pair();
  const outbox = () => new IndexedDbOutbox("shared");
  const first = await online(one, { outbox: outbox() });
  await first.thread(id).load();
  await door("offline", {});
  first.thread(id).send({ body: "hers" });
  await storedIn(outbox(), one.id, 1);
  first.close();
  await door("calm", {});

  const second = await online(other, { outbox: outbox() });
  const thread = second.thread(id);
  await thread.load();
  thread.send({ body: "his" });
  await until(thread, ({ messages }) => messages.length === 1);
  expect(thread.get().pending).toEqual([]);
  expect(bodies(await historyOf(one, id))).toEqual(["his"]);
});

test("what the server refuses fails with its code, and can be tried again or given up", async () => {
  const { one, other, id } = await pair();
  const thread = (await online(one)).thread(id);
  const them = await online(other);
  await thread.load();
  await them.connections.block(one.id);
  const kept = thread.send({ body: "blocked" });
  const givenUp = thread.send({ body: "never mind" });

  const { pending } = await until(thread, (state) =>
    state.pending.every((each) => each.state === "failed"),
  );
  expect(pending.map(({ problem }) => problem?.code)).toEqual(["blocked", "blocked"]);
  expect(await thread.permissions()).toMatchObject({ write: false, reason: "blocked" });

  await them.connections.unblock(one.id);
  thread.discard(givenUp.clientId);
  thread.retry(kept.clientId);
  const { messages } = await until(thread, (state) => state.pending.length === 0);
  expect(bodies(messages)).toEqual(["blocked"]);
  expect(bodies(await historyOf(other, id))).toEqual(["blocked"]);
});

test("a file is put where its reader gets it, and goes with the message", async () => {
  const { one, other, id } = await pair();
  const mine = await online(one);
  const here = mine.thread(id);
  const there = await online(other);
  const parts: number[] = [];
  const file = new File(["A short CV."], "cv.txt", { type: "text/plain;charset=utf-8" });

  const onProgress = (part: number) => parts.push(part);
  const attachment = await upload(mine, id, file, { onProgress });
  here.send({ body: "", attachments: [attachment] });
  const { messages } = await until(there.thread(id), (state) => state.messages.length === 1);

  expect(parts.at(-1)).toBe(1);
  expect(messages[0]?.attachments).toEqual([attachment]);
  const upload_id = attachment.url.split("/").at(-1) ?? "";
  const link = await there.call("GET /v1/uploads/{upload_id}", { path: { upload_id } });
  expect(await (await fetch(link.url)).text()).toBe("A short CV.");
});

async function storedIn(outbox: IndexedDbOutbox, userId: string, count: number): Promise<void> {
  await expect.poll(async () => (await outbox.load(userId)).length).toBe(count);
}
