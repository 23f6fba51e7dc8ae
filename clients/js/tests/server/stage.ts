/**
 * What tests against real servers share: the door by which they have things happen, clients
 * that are closed in the end, and waiting for what a store shows.
 */
import { afterEach } from "vitest";
import { WebSocket } from "ws";
import {
  type Callboard,
  type Conversation,
  createCallboard,
  type Message,
  type Options,
  type Store,
  type Unread,
} from "../../src/index.js";

const PATIENCE_MS = 20_000;

export interface Person {
  id: string;
  name: string;
  token: string;
}

interface Together {
  people: Person[];
  conversation_id: string;
}

/** What tests/clients/door.py does: the arguments and the answer of each verb. */
interface Verbs {
  pair: [Record<string, never>, Together];
  people: [{ names: string[]; connected?: boolean }, { people: Person[] }];
  group: [{ names: string[] }, Together];
  token: [{ user_id: string; seconds: number; age?: number }, { token: string }];
  platform: [{ verb: "revoke" | "suspend"; user_id: string }, unknown];
  notify: [Record<string, never>, unknown];
  kill: [Record<string, never>, unknown];
  start: [Record<string, never>, unknown];
  cut: [Record<string, never>, unknown];
  offline: [Record<string, never>, unknown];
  freeze: [Record<string, never>, unknown];
  wild: [Record<string, never>, unknown];
  drop_events: [Record<string, never>, unknown];
  resync: [Record<string, never>, unknown];
  lose_replies: [{ count: number; stays_down?: boolean }, unknown];
  forget_cursors: [Record<string, never>, unknown];
  http: [{ path: string; fault: "hangs" | "gateway" }, unknown];
  calls: [Record<string, never>, { calls: string[] }];
  calm: [Record<string, never>, unknown];
  where: [Record<string, never>, { url: string; direct: string }];
}

/** Have something happen around the server. */
export async function door<V extends keyof Verbs>(
  verb: V,
  args: Verbs[V][0],
): Promise<Verbs[V][1]> {
  const response = await fetch(`${process.env.CALLBOARD_DOOR}/${verb}`, {
    method: "POST",
    body: JSON.stringify(args),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.fault);
  return answer;
}

const { url, direct } = await door("where", {});
// Node 20 has none of its own.
const line = "WebSocket" in globalThis ? {} : { WebSocket };
const clients: Callboard[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await door("calm", {});
});

/** Make somebody's client over the line that can break, closed when the test ends. */
export function clientOf(person: Person, options: Partial<Options> = {}): Callboard {
  const client = createCallboard({ url, token: person.token, outbox: null, ...line, ...options });
  clients.push(client);
  return client;
}

/** Likewise, and wait until it is online. */
export async function online(person: Person, options: Partial<Options> = {}): Promise<Callboard> {
  const client = clientOf(person, options);
  client.connect();
  await until(client.status, ({ state }) => state === "online");
  return client;
}

/** Break every line, and wait until these clients are back. */
export async function cut(...clients: Callboard[]): Promise<void> {
  const left = clients.map(({ status }) => until(status, ({ state }) => state !== "online"));
  await door("cut", {});
  await Promise.all(left);
  await Promise.all(clients.map(({ status }) => until(status, ({ state }) => state === "online")));
}

/** Make two connected people with a conversation. */
export async function pair(): Promise<{ one: Person; other: Person; id: string }> {
  const { people, conversation_id: id } = await door("pair", {});
  const [one, other] = people;
  if (one === undefined || other === undefined) throw new Error("A pair has two people.");
  return { one, other, id };
}

/** Wait until a store shows what is looked for, and give that state. */
export function until<T>(store: Store<T>, isIt: (state: T) => boolean): Promise<T> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const state = store.get();
      if (!isIt(state)) return;
      stop();
      clearTimeout(timer);
      resolve(state);
    };
    const stop = store.subscribe(look);
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`It came not to be so: ${JSON.stringify(store.get(), asShown, 1)}`));
    }, PATIENCE_MS);
    look();
  });
}

function asShown(_: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  return value instanceof Set ? [...value] : value;
}

/** Ask the server itself, not over the line that can break. */
async function ask<T>(person: Person, path: string): Promise<T> {
  const response = await fetch(`${direct}/v1/${path}`, {
    headers: { Authorization: `Bearer ${person.token}` },
  });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** A whole history, oldest first, as the server has it. */
export async function historyOf(person: Person, id: string): Promise<Message[]> {
  const messages: Message[] = [];
  for (let next: string | null = ""; next !== null; ) {
    const page: { items: Message[]; next: string | null } = await ask(
      person,
      `conversations/${id}/messages?after=0&limit=200${next && `&next=${encodeURIComponent(next)}`}`,
    );
    messages.push(...page.items);
    next = page.next;
  }
  return messages;
}

/** One of somebody's conversations as the server has it. */
export function conversationOf(person: Person, id: string): Promise<Conversation> {
  return ask(person, `conversations/${id}`);
}

/** What waits for somebody, as the server has it. */
export async function unreadOf(person: Person): Promise<Unread> {
  const me: { unread: Unread } = await ask(person, "me");
  return me.unread;
}

/** The texts of messages, in their order. */
export function bodies(messages: Iterable<{ body: string }>): string[] {
  return [...messages].map(({ body }) => body);
}

/** `one 1`, `one 2` … */
export function lines(count: number, name = "line"): string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${index + 1}`);
}
