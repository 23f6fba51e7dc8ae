import { expect, test, vi } from "vitest";
import { bodies, cut, door, online, type Person, pair, unreadOf, until } from "./stage.js";

async function strangers(): Promise<[Person, Person]> {
  const { people } = await door("people", { names: ["Ada", "Grace"] });
  const [one, other] = people;
  if (one === undefined || other === undefined) throw new Error("Two were asked for.");
  return [one, other];
}

test("a request with a note is accepted, told in the inbox, and opens the way to write", async () => {
  const [one, other] = await strangers();
  const here = await online(one);
  const there = await online(other);
  await Promise.all([
    here.connections.load(),
    there.connections.load(),
    there.notifications.load(),
  ]);
  await expect(here.openDirect(other.id)).rejects.toMatchObject({ code: "not_connected" });
  expect(await here.permissions(other.id)).toMatchObject({ message: false, connect: true });

  await here.connections.request(other.id, "We met in Turin.");
  await door("notify", {});
  const { items } = await until(there.notifications, ({ items }) => items.length === 1);
  expect(items[0]).toMatchObject({ type: "connection_request", related_user_id: one.id });
  await until(there.unread, ({ notifications }) => notifications === 1);
  await until(there.connections, () => there.connections.with(one.id) !== null);
  expect(there.connections.with(one.id)).toMatchObject({
    status: "pending",
    message: "We met in Turin.",
  });

  await there.connections.accept(there.connections.with(one.id)?.id ?? "");
  await until(here.connections, () => here.connections.with(other.id)?.status === "accepted");
  const thread = await here.openDirect(other.id);
  thread.send({ body: "And here we are." });
  const list = await until(there.conversations, ({ items }) => items.length === 1);
  expect(list.items[0]?.id).toBe(thread.id);
  await until(
    there.conversations,
    ({ items }) => items[0]?.last_message?.body === "And here we are.",
  );
  there.people.want([one.id]);
  await until(there.people, (people) => people.get(one.id)?.display_name === "Ada");
});

test("what is read on one device waits on no other, in any order of faults", async () => {
  const { one, other, id } = await pair();
  const phone = await online(other);
  const laptop = await online(other);
  await Promise.all([phone, laptop].map((each) => each.notifications.load()));
  await Promise.all([phone, laptop].map((each) => until(each.conversations, (l) => l.isLoaded)));
  const here = (await online(one)).thread(id);
  for (const body of ["one", "two", "three"]) here.send({ body });
  await until(phone.unread, ({ messages }) => messages === 3);
  await until(
    laptop.unread,
    ({ messages, conversations }) => messages === 3 && conversations === 1,
  );

  await phone.thread(id).load();
  phone.thread(id).read(2);
  await door("cut", {});
  await until(laptop.unread, ({ messages }) => messages === 1);
  await until(phone.unread, ({ messages }) => messages === 1);
  phone.thread(id).read();
  for (const each of [phone, laptop]) {
    await until(each.unread, ({ messages }) => messages === 0);
    await until(each.conversations, ({ items }) => items[0]?.unread === 0);
    await expect.poll(() => unreadOf(other)).toEqual(each.unread.get());
  }
  await until(here, ({ messages }) => messages.every(({ read_at }) => read_at !== null));
});

test("the bell counts what waits, and what is read or put away no longer does", async () => {
  const { people } = await door("people", { names: ["Ada", "Grace", "Hedy", "Mary"] });
  const [me, ...others] = people;
  if (me === undefined) throw new Error("Four were asked for.");
  const here = await online(me);
  const elsewhere = await online(me);
  await Promise.all([here.notifications.load(), elsewhere.notifications.load()]);
  for (const each of others) {
    const client = await online(each);
    await client.connections.request(me.id);
  }
  await door("notify", {});
  const { items } = await until(here.notifications, ({ items }) => items.length === 3);
  await until(elsewhere.notifications, ({ unread }) => unread === 3);

  await here.notifications.read([items[0]?.id ?? ""]);
  await until(elsewhere.notifications, ({ unread }) => unread === 2);
  await cut(here, elsewhere);
  await here.notifications.archive([items[1]?.id ?? ""]);
  await until(elsewhere.notifications, ({ unread, items }) => unread === 1 && items.length === 2);
  await here.notifications.read("all");
  for (const each of [here, elsewhere]) {
    await until(each.notifications, ({ unread, items }) => unread === 0 && items.length === 2);
    await until(each.unread, ({ notifications }) => notifications === 0);
    expect(each.unread.get()).toEqual(await unreadOf(me));
  }
});

test("who is there and who is typing is seen, also after a broken line", async () => {
  const { one, other, id } = await pair();
  const here = await online(one);
  const unwatch = here.presence.watch([other.id]);
  await until(here.presence, (board) => board.get(other.id)?.status === "offline");
  const there = await online(other);
  await until(here.presence, (board) => board.get(other.id)?.status === "online");
  await there.presence.set("away");
  await until(here.presence, (board) => board.get(other.id)?.status === "away");

  await cut(here, there);
  await there.presence.set("online");
  await until(here.presence, (board) => board.get(other.id)?.status === "online");

  const thread = here.thread(id);
  await thread.load();
  there.thread(id).typing();
  await until(thread, ({ typing }) => typing.includes(other.id));
  there.thread(id).send({ body: "there" });
  await until(thread, ({ typing }) => typing.length === 0);
  unwatch();
});

test("who is removed from a group is shown nothing more of it", async () => {
  const { people, conversation_id: id } = await door("group", { names: ["Ada", "Grace", "Hedy"] });
  const [one, other] = people;
  if (one === undefined || other === undefined) throw new Error("Three were asked for.");
  const here = await online(one);
  const there = await online(other);
  await until(there.conversations, ({ items }) => items.length === 1);
  await there.thread(id).load();
  await there.call("DELETE /v1/conversations/{conversation_id}/participants/{user_id}", {
    path: { conversation_id: id, user_id: other.id },
  });
  await until(there.conversations, ({ items }) => items.length === 0);
  here.thread(id).send({ body: "now that Grace has gone" });
  await until(
    here.thread(id),
    ({ pending, messages }) => pending.length === 0 && messages.length > 0,
  );
  await there.command("ping", {});
  expect(bodies(there.thread(id).get().messages)).toEqual([]);
  await vi.waitFor(() => expect(there.unread.get().messages).toBe(0));
});
