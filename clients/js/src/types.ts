/**
 * What the client promises: its parts, and the states that they show.
 *
 * Every state is replaced, never changed, so that a view can compare by identity.
 */
import type {
  Attachment,
  Connection,
  Contract,
  Conversation,
  FoundMessage,
  Me,
  Message,
  Notification,
  PresenceEntry,
  Profile,
  Unread,
  UserPermission,
  WritePermission,
} from "./generated/contract.js";
import type { Store } from "./store.js";

export type Commands = Contract["commands"];
export type Events = Contract["events"];
export type Calls = Contract["calls"];

/** One event of the wire, told by its `type`. */
export type Told = { [K in keyof Events]: { type: K; at: string; data: Events[K] } }[keyof Events];

/** Gives a token; asked again before one expires, and when the server refuses one. */
export type TokenSource = string | (() => string | Promise<string>);

export interface Options {
  /** Where the server is, as `https://chat.example`. */
  url: string;
  token: TokenSource;
  /**
   * Where messages wait that the server has not acknowledged: IndexedDB where there is one,
   * so that they survive a reload; `null` for memory only.
   */
  outbox?: OutboxStorage | null;
  /** Node 20 has no WebSocket of its own: give that of `ws`. */
  WebSocket?: SocketClass;
  fetch?: typeof fetch;
  /** How many messages a thread shows at the most; those beyond come back on scrolling. */
  windowSize?: number;
}

/** What is needed of a WebSocket: the platform's own has it, and that of `ws`. */
export type SocketClass = new (
  url: string,
  protocols: string[],
) => {
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code: number): void;
};

/** How the client stands: `waiting` is cut off and comes back by itself. */
export interface Status {
  state: "idle" | "connecting" | "online" | "waiting" | "closed";
  /** When it tries again, in milliseconds since 1970, while `waiting`. */
  retryAt: number | null;
  /** Why it is `waiting` or `closed`. */
  reason: CallboardProblem | null;
}

/** A refusal or a fault, by the codes of the contract, and `offline` for no network. */
export interface CallboardProblem extends Error {
  readonly code: string;
  /** Whether the same may succeed later, unchanged. */
  readonly retry: boolean;
  readonly retryAfterMs: number | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The client: one person's connection, and everything that they see. */
export interface Callboard {
  readonly status: Store<Status>;
  /** Who one is, once known. */
  readonly me: Store<Me | null>;
  /** Everything that waits, over all conversations. */
  readonly unread: Store<Unread>;
  readonly conversations: Conversations;
  readonly notifications: Inbox;
  readonly connections: Connections;
  readonly people: People;
  readonly presence: PresenceBoard;

  /** The thread of a conversation; the same object each time. */
  thread(conversationId: string): Thread;
  /**
   * The direct conversation with somebody, opened where there is none yet.
   *
   * Throws a problem (`not_connected`, `blocked` …) where one may not.
   */
  openDirect(userId: string): Promise<Thread>;
  /** May I write to them, or ask for a connection? */
  permissions(userId: string): Promise<UserPermission>;
  search(
    q: string,
    options?: { conversationId?: string; next?: string; limit?: number; signal?: AbortSignal },
  ): Promise<{ items: FoundMessage[]; next: string | null }>;

  /** Hear every event of the wire after it was applied; gives what ends it. */
  on(listener: (event: Told) => void): () => void;
  /** Send any command; rejects with a problem when refused, or after ten seconds. */
  command<K extends keyof Commands>(type: K, data: Commands[K]["data"]): Promise<Commands[K]["ok"]>;
  /** Call HTTP, typed by the server's OpenAPI document: `call("GET /v1/me")`. */
  call<K extends keyof Calls>(what: K, options?: CallOptions<K>): Promise<Calls[K]["answer"]>;

  /** Come online; returns at once, `status` tells the rest. */
  connect(): void;
  /** Leave for good: closes the socket, forgets nothing in the outbox. */
  close(): void;
  /** Try again now instead of when the backoff ends. */
  retryNow(): void;
}

export interface CallOptions<K extends keyof Calls> {
  /** For the `{…}` in the path. */
  path?: Record<string, string>;
  query?: Partial<Calls[K]["query"]>;
  body?: Calls[K]["body"];
  signal?: AbortSignal;
}

/** The list of conversations, newest activity first. */
export interface Conversations extends Store<ConversationList> {
  more(): Promise<void>;
  get(): ConversationList;
  /** One, fetched where it is not in the list; null where it is not one's own. */
  find(conversationId: string): Promise<Conversation | null>;
  /** Mute (until when, null for no longer), archive or bring back, name. */
  arrange(
    conversationId: string,
    change: Calls["PATCH /v1/conversations/{conversation_id}"]["body"],
  ): Promise<void>;
}

export interface ConversationList {
  items: readonly Conversation[];
  hasMore: boolean;
  isLoading: boolean;
  /** Whether the first page has come. */
  isLoaded: boolean;
  problem: CallboardProblem | null;
  /** Who is typing, by conversation. */
  typing: ReadonlyMap<string, readonly string[]>;
}

/**
 * One conversation's messages: in `seq` order, without gaps, a window onto all of them.
 *
 * The window follows the newest message while it reaches it (`hasNewer` is false); it moves
 * by `older`, `newer`, `jumpTo`, `jumpToLatest`, and drops what is far from it, which comes
 * back from memory or the server. `seq` is dense, so a gap is known and filled.
 */
export interface Thread extends Store<ThreadState> {
  readonly id: string;
  /** Load the newest messages; done by the first `subscribe` too. */
  load(): Promise<void>;
  /** Show a page more, or so many messages: fewer are drawn within one frame. */
  older(count?: number): Promise<void>;
  newer(count?: number): Promise<void>;
  /** Show the messages around one. */
  jumpTo(seq: number): Promise<void>;
  jumpToLatest(): Promise<void>;

  /** Send; shown at once among `pending`, kept until acknowledged, sent once in history. */
  send(draft: Draft): Pending;
  /** Try one again that has failed. */
  retry(clientId: string): void;
  /** Give one up that has failed. */
  discard(clientId: string): void;
  /** Shown at once; put back, and rejected, where the server refuses. */
  edit(messageId: string, body: string): Promise<void>;
  remove(messageId: string): Promise<void>;
  react(messageId: string, emoji: string, isOn: boolean): Promise<void>;
  history(messageId: string): Promise<readonly { body: string; at: string }[]>;

  /** Say that one has read up to here, or everything; told once, and again after a fault. */
  read(seq?: number): void;
  /** Say that one is typing; told every few seconds at the most, and taken back by itself. */
  typing(): void;
  stopTyping(): void;
  /** May I write here, and if not: why, and what would unlock it. */
  permissions(): Promise<WritePermission>;
}

export interface ThreadState {
  conversation: Conversation | null;
  /** The window: contiguous by `seq`, but for what one may not read. */
  messages: readonly Message[];
  /** What one has written and the server has not acknowledged, oldest first. */
  pending: readonly Pending[];
  hasOlder: boolean;
  hasNewer: boolean;
  isLoading: boolean;
  isLoaded: boolean;
  problem: CallboardProblem | null;
  /** Who else is typing. */
  typing: readonly string[];
  /** Up to where one had read when the thread was opened: the new-messages line is after it. */
  readWhenOpened: number | null;
}

export interface Draft {
  body: string;
  attachments?: readonly Attachment[];
  replyTo?: Message | null;
  metadata?: Record<string, unknown>;
}

/** A message on its way. */
export interface Pending {
  clientId: string;
  conversationId: string;
  draft: Draft;
  /** When it was written. */
  at: string;
  state: "waiting" | "sending" | "failed";
  /** Why it has failed; what may succeed later is tried again by itself. */
  problem: CallboardProblem | null;
}

/** How far one's own message has come, the least of all recipients in a group. */
export type Progress = "sent" | "delivered" | "read";

/** The notification inbox, newest first. */
export interface Inbox extends Store<InboxState> {
  /** Load the first page; done by the first `subscribe` too. */
  load(): Promise<void>;
  more(): Promise<void>;
  seen(ids: readonly string[] | "all"): Promise<void>;
  read(ids: readonly string[] | "all"): Promise<void>;
  archive(ids: readonly string[] | "all"): Promise<void>;
}

export interface InboxState {
  items: readonly Notification[];
  unread: number;
  hasMore: boolean;
  isLoading: boolean;
  isLoaded: boolean;
  problem: CallboardProblem | null;
}

/** Links to other people, and whom one blocks. */
export interface Connections extends Store<ConnectionsState> {
  load(): Promise<void>;
  /** The newest connection with somebody. */
  with(userId: string): Connection | null;
  request(userId: string, note?: string): Promise<Connection>;
  accept(connectionId: string): Promise<void>;
  reject(connectionId: string): Promise<void>;
  withdraw(connectionId: string): Promise<void>;
  remove(connectionId: string): Promise<void>;
  block(userId: string): Promise<void>;
  unblock(userId: string): Promise<void>;
}

export interface ConnectionsState {
  items: readonly Connection[];
  blocked: ReadonlySet<string>;
  isLoaded: boolean;
  problem: CallboardProblem | null;
}

/** Public profiles, fetched together and kept. */
export interface People extends Store<ReadonlyMap<string, Profile | null>> {
  /** Make sure that these are, or will be, known; null is somebody who is not there. */
  want(userIds: Iterable<string>): void;
  find(userId: string): Promise<Profile | null>;
}

/** Who is there. */
export interface PresenceBoard extends Store<ReadonlyMap<string, PresenceEntry>> {
  /** Watch people until the function that it gives is called; counted, and kept over reconnects. */
  watch(userIds: Iterable<string>): () => void;
  set(status: "online" | "away" | "invisible"): Promise<void>;
}

/** Where messages wait until they are acknowledged; one person's at a time. */
export interface OutboxStorage {
  /** What waits for this person, oldest first. */
  load(userId: string): Promise<readonly Stored[]>;
  put(userId: string, item: Stored): Promise<void>;
  remove(userId: string, clientId: string): Promise<void>;
}

export type Stored = Pick<Pending, "clientId" | "conversationId" | "draft" | "at"> & {
  /** Why the server refused it, so that it stays `failed` after a reload. */
  refusal: Refusal | null;
};

/** A problem as it travels and is stored. */
export interface Refusal {
  code: string;
  message: string;
  retry: boolean;
  retry_after_ms: number | null;
  details: Record<string, unknown>;
}

export type {
  Attachment,
  Connection,
  Conversation,
  FoundMessage,
  Me,
  Message,
  Notification,
  PresenceEntry,
  Profile,
  Unread,
  UserPermission,
  WritePermission,
};
