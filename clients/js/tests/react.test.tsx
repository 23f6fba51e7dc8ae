// @vitest-environment happy-dom
import * as preact from "preact/compat";
import { act, createElement, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Callboard, Cell, createCallboard, type PresenceEntry } from "../src/index.js";
import {
  CallboardProvider,
  useCallboard,
  usePeople,
  usePerson,
  usePresence,
  useStatus,
  useStore,
  useThread,
  useUnread,
} from "../src/react.js";

const profile = (id: string, display_name: string) => ({
  id,
  display_name,
  handle: null,
  avatar_url: null,
  headline: null,
  role: null,
});

/** A client whose people and presence are set by hand, and which never connects. */
function scripted() {
  const people = new Cell<ReadonlyMap<string, ReturnType<typeof profile> | null>>(new Map());
  const presence = new Cell<ReadonlyMap<string, PresenceEntry>>(new Map());
  const unwatch = vi.fn();
  const want = vi.fn();
  const watch = vi.fn((_: Iterable<string>) => unwatch);
  const client: Callboard = {
    ...createCallboard({ url: "https://chat.example", token: "none", outbox: null }),
    people: { get: people.get, subscribe: people.subscribe, want, find: async () => null },
    presence: {
      get: presence.get,
      subscribe: presence.subscribe,
      watch,
      set: async () => undefined,
    },
  };
  return { client, people, presence, want, watch, unwatch };
}

let host: HTMLElement;
let root: ReturnType<typeof createRoot>;

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  host = document.body.appendChild(document.createElement("div"));
  root = createRoot(host);
});

afterEach(async () => {
  await act(async () => root.unmount());
  host.remove();
  vi.unstubAllGlobals();
});

const show = (client: Callboard, View: () => React.ReactNode) =>
  act(async () =>
    root.render(
      <StrictMode>
        <CallboardProvider client={client}>
          <View />
        </CallboardProvider>
      </StrictMode>,
    ),
  );

test("a hook gives the state of its store, and draws again when that changes", async () => {
  const { client } = scripted();
  const count = new Cell(1);
  await show(client, () => (
    <p>
      {useStore(count)} {useStatus().state} {useUnread().messages}{" "}
      {useCallboard() === client && "it"}
    </p>
  ));
  expect(host.textContent).toBe("1 idle 0 it");
  await act(async () => count.set(2));
  expect(host.textContent).toBe("2 idle 0 it");
});

test("what is selected draws again only when it changes itself", async () => {
  const { client } = scripted();
  const state = new Cell({ shown: 1, hidden: 1 });
  let drawn = 0;
  await show(client, () => {
    drawn += 1;
    return <p>{useStore(state, ({ shown }) => shown)}</p>;
  });
  const before = drawn;
  await act(async () => state.set({ shown: 1, hidden: 2 }));
  expect(drawn).toBe(before);
  await act(async () => state.set({ shown: 2, hidden: 2 }));
  expect(host.textContent).toBe("2");
});

test("people are wanted once, and only news of them draws again", async () => {
  const { client, people, want } = scripted();
  let drawn = 0;
  await show(client, () => {
    drawn += 1;
    const found = usePeople(["b", "a", "a"]);
    const nobody = usePerson(null);
    return <p>{[...found.values()].map((each) => each?.display_name ?? "gone").join() + nobody}</p>;
  });
  expect(want.mock.calls.map(([ids]) => [...ids])).toContainEqual(["a", "b"]);
  await act(async () => people.set(new Map([["a", profile("a", "Ada")]])));
  expect(host.textContent).toBe("Adaundefined");
  const before = drawn;
  await act(async () => people.set(new Map([...people.get(), ["c", profile("c", "Cora")]])));
  expect(drawn).toBe(before);
  await act(async () => people.set(new Map([...people.get(), ["b", null]])));
  expect(host.textContent).toBe("Ada,goneundefined");
});

test("people are watched as long as they are looked at", async () => {
  const { client, presence, watch, unwatch } = scripted();
  const view: { look(ids: string[]): void } = { look: () => undefined };
  await show(client, () => {
    const [ids, look] = useState(["a"]);
    view.look = look;
    const board = usePresence(ids);
    return <p>{ids.map((id) => board.get(id)?.status ?? "unknown").join()}</p>;
  });
  expect(host.textContent).toBe("unknown");
  await act(async () =>
    presence.set(new Map([["a", { user_id: "a", status: "online", last_seen_at: null }]])),
  );
  expect(host.textContent).toBe("online");
  await act(async () => view.look(["a", "b"]));
  expect(watch.mock.calls.map(([ids]) => [...ids]).at(-1)).toEqual(["a", "b"]);
  await act(async () => view.look([]));
  expect(unwatch).toHaveBeenCalledTimes(watch.mock.calls.length);
});

function Alone() {
  return <p>{useThread("c").messages.length}</p>;
}

test("a hook without a provider says what is missing", async () => {
  const complain = vi.spyOn(console, "error").mockImplementation(() => undefined);
  await expect(act(async () => root.render(<Alone />))).rejects.toThrow("<CallboardProvider>");
  complain.mockRestore();
});

test("the hooks are the same with Preact", async () => {
  vi.resetModules();
  vi.doMock("react", () => preact);
  const hooks = await import("../src/react.js");
  vi.doUnmock("react");
  const { client } = scripted();
  const count = new Cell(1);
  const view = () =>
    preact.createElement("p", null, `${hooks.useStore(count)} `, hooks.useStatus().state);
  // Its elements are told apart by their types alone, which are React's here.
  const Provider: unknown = hooks.CallboardProvider;
  if (typeof Provider !== "function") throw new Error("A provider is a component.");
  const place = document.body.appendChild(document.createElement("div"));
  preact.render(
    preact.createElement(
      (props: object) => Provider({ ...props, client }),
      null,
      preact.createElement(view, null),
    ),
    place,
  );
  expect(place.textContent).toBe("1 idle");
  await vi.waitFor(() => {
    count.set(2);
    expect(place.textContent).toBe("2 idle");
  });
  preact.render(null, place);
  expect(createElement).not.toBe(preact.createElement);
});
