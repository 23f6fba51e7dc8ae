import { expect, test, vi } from "vitest";
import { bodies, clientOf, door, historyOf, online, pair, until } from "./stage.js";

test("a token that runs out is replaced in time, and the session goes on", async () => {
  const { one, other, id } = await pair();
  // It is taken for another nine seconds, as clocks differ; the client's own says it is due.
  const { token: brief } = await door("token", { user_id: one.id, seconds: -1 });
  const token = vi.fn().mockReturnValue(one.token).mockReturnValueOnce(brief);
  const here = await online(one, { token });
  const states: string[] = [];
  here.status.subscribe(() => states.push(here.status.get().state));

  await vi.waitFor(() => expect(token).toHaveBeenCalledTimes(2), { timeout: 20_000 });
  (await online(other)).thread(id).send({ body: "still there?" });
  const { messages } = await until(here.thread(id), (state) => state.messages.length === 1);
  expect(bodies(messages)).toEqual(["still there?"]);
  expect(states).toEqual([]);
});

test("where no new token comes in time, the session waits for one and resumes", async () => {
  const { one, other, id } = await pair();
  // Where the way there takes longer, the server's leeway for clocks lets it in all the same.
  const { token: brief } = await door("token", { user_id: one.id, seconds: 2 });
  let isSignedIn = true;
  const token = vi.fn(async () => {
    if (token.mock.calls.length === 1) return brief;
    if (!isSignedIn) throw new Error("The page's own backend is away.");
    return one.token;
  });
  isSignedIn = false;
  const here = clientOf(one, { token });
  here.connect();
  await until(here.status, ({ state }) => state === "online");
  const thread = here.thread(id);
  await until(here.status, ({ state }) => state === "waiting");
  (await online(other)).thread(id).send({ body: "while you were out" });

  isSignedIn = true;
  here.retryNow();
  await until(here.status, ({ state }) => state === "online");
  const { messages } = await until(thread, (state) => state.messages.length === 1);
  expect(bodies(messages)).toEqual(["while you were out"]);
});

test("a token that HTTP refuses is replaced, once, and the call made again", async () => {
  const { one } = await pair();
  const { token: stale } = await door("token", { user_id: one.id, seconds: -60 });
  const token = vi.fn().mockReturnValue(one.token).mockReturnValueOnce(stale);
  const here = clientOf(one, { token });
  const { profile } = await here.call("GET /v1/me");
  expect(profile.id).toBe(one.id);
  expect(token).toHaveBeenCalledTimes(2);
});

test.each(["revoke", "suspend"] as const)(
  "who is shut out (%s) is told so, and the client stays away",
  async (verb) => {
    const { one, other, id } = await pair();
    // Revoking counts in whole seconds.
    const { token } = await door("token", { user_id: one.id, seconds: 3600, age: 60 });
    const here = await online({ ...one, token });
    const thread = here.thread(id);
    await thread.load();
    await door("platform", { verb, user_id: one.id });

    const { reason } = await until(here.status, ({ state }) => state === "closed");
    expect(reason?.code).toMatch(/^(suspended|unauthenticated|forbidden)$/);
    expect(reason?.retry).toBe(false);
    thread.send({ body: "hello?" });
    const theirs = (await online(other)).thread(id);
    theirs.send({ body: "not for you" });
    // Nobody can write to who is suspended.
    await until(theirs, ({ messages, pending }) =>
      verb === "revoke" ? messages.length === 1 : pending[0]?.state === "failed",
    );
    expect(here.status.get().state).toBe("closed");
    expect(thread.get().messages).toEqual([]);
    expect(thread.get().pending).toHaveLength(1);
  },
);

test("a token that is none closes the session for good", async () => {
  const { one } = await pair();
  const here = clientOf(one, { token: "not.a.token" });
  here.connect();
  const { reason } = await until(here.status, ({ state }) => state === "closed");
  expect(reason?.code).toBe("unauthenticated");
});

test("a token of somebody else is never used by a client", async () => {
  const { one, other, id } = await pair();
  const { token: brief } = await door("token", { user_id: one.id, seconds: 2 });
  const token = vi.fn().mockReturnValue(other.token).mockReturnValueOnce(brief);
  const here = await online(one, { token });
  const { reason } = await until(here.status, ({ state }) => state === "closed");
  expect(reason?.code).toBe("forbidden");
  here.thread(id).send({ body: "from whom?" });
  expect(await historyOf(other, id)).toEqual([]);
});
