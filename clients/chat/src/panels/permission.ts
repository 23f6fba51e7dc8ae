import type { Callboard, Thread, Told, UserPermission, WritePermission } from "@callboard/client";
import { Cell, Problem, type Store } from "@callboard/client";
import { useStore } from "@callboard/client/react";
import { useMemo } from "preact/hooks";
import { useSession } from "../session.js";
import type { Refusal } from "./reasons.js";

/** With whom, or where, one would like to write. */
export type Place = { userId: string } | { conversationId: string };

export interface Standing {
  mayWrite: boolean;
  /** Why not. */
  refusal: Refusal | null;
  /** From when on nobody may, where that is known; it may be to come. */
  readOnlyAt: string | null;
}

// What a timer of the browser can wait for, at the most.
const LONGEST_WAIT = 2 ** 31 - 1;

// One for each place, however many parts look at it; they go with the client.
const boards = new WeakMap<Callboard, Map<string, Permission>>();

/**
 * Whether one may write, as it changes; null until known.
 *
 * It is asked again whenever something may have changed it: a connection, a block, who takes
 * part, the thread's end, coming back online. What was known stays until the answer is there.
 */
export function useStanding(place: Place): Standing | null {
  const { client } = useSession();
  const conversationId = "conversationId" in place ? place.conversationId : null;
  const userId = "userId" in place ? place.userId : null;
  const permission = useMemo(
    () => permissionOf(client, conversationId, userId ?? ""),
    [client, conversationId, userId],
  );
  return useStore(permission);
}

function permissionOf(
  client: Callboard,
  conversationId: string | null,
  userId: string,
): Permission {
  const board = boards.get(client) ?? new Map<string, Permission>();
  boards.set(client, board);
  const key = conversationId ?? userId;
  const known = board.get(key);
  if (known) return known;
  const made = new Permission(client, conversationId, userId);
  board.set(key, made);
  return made;
}

/** The answer to one question, kept fresh while somebody looks at it. */
class Permission implements Store<Standing | null> {
  readonly #cell = new Cell<Standing | null>(null);
  readonly #client: Callboard;
  readonly #thread: Thread | null;
  readonly #ask: () => Promise<Standing>;
  readonly #matters: (event: Told) => boolean;
  #lookers = 0;
  #isAsking = false;
  #isStale = false;
  #endings: (() => void)[] = [];
  #failed = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Callboard, conversationId: string | null, userId: string) {
    this.#client = client;
    const thread = conversationId === null ? null : client.thread(conversationId);
    this.#thread = thread;
    this.#ask = async () =>
      thread ? ofThread(await thread.permissions()) : ofUser(await client.permissions(userId));
    this.#matters = (event) => matters(event, conversationId);
  }

  readonly get = (): Standing | null => this.#cell.get();

  readonly subscribe = (listener: () => void): (() => void) => {
    const end = this.#cell.subscribe(listener);
    this.#lookers += 1;
    if (this.#lookers === 1) this.#begin();
    return () => {
      end();
      this.#lookers -= 1;
      if (this.#lookers === 0) this.#end();
    };
  };

  #begin(): void {
    const { status, connections } = this.#client;
    let wasOnline = status.get().state === "online";
    const look = (): void => {
      if (document.visibilityState === "visible") this.#again();
    };
    addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    this.#endings = [
      // An account that is no longer suspended is told by nothing.
      () => removeEventListener("focus", look),
      () => document.removeEventListener("visibilitychange", look),
      this.#client.on((event) => {
        if (this.#matters(event)) this.#again();
      }),
      status.subscribe(() => {
        const isOnline = status.get().state === "online";
        if (isOnline && !wasOnline) this.#again();
        wasOnline = isOnline;
      }),
      // With whom one is linked, and whom one blocks, which no event tells.
      connections.subscribe(() => this.#again()),
      this.#watchRefusals(),
    ];
    this.#again();
  }

  /** What the server refuses to take says that something is not as it was known. */
  #watchRefusals(): () => void {
    const thread = this.#thread;
    if (thread === null) return () => undefined;
    const count = (): number =>
      thread.get().pending.filter((each) => each.state === "failed").length;
    this.#failed = count();
    return thread.subscribe(() => {
      const failed = count();
      if (failed > this.#failed) this.#again();
      this.#failed = failed;
    });
  }

  #end(): void {
    for (const end of this.#endings.splice(0)) end();
    clearTimeout(this.#timer);
  }

  /** Ask, one question at a time; what changes meanwhile is asked after. */
  #again(): void {
    if (this.#isAsking) {
      this.#isStale = true;
      return;
    }
    this.#isAsking = true;
    this.#isStale = false;
    this.#ask()
      .then((standing) => this.#hear(standing), passOver)
      .finally(() => {
        this.#isAsking = false;
        if (this.#isStale && this.#lookers > 0) this.#again();
      });
  }

  #hear(standing: Standing): void {
    this.#cell.set(standing);
    clearTimeout(this.#timer);
    const left = standing.readOnlyAt ? Date.parse(standing.readOnlyAt) - Date.now() : 0;
    if (left <= 0 || left > LONGEST_WAIT || this.#lookers === 0) return;
    this.#timer = setTimeout(() => this.#again(), left + 1000);
  }
}

/** What is known stays where the server is away; coming back online asks again. */
function passOver(error: unknown): void {
  if (!(error instanceof Problem)) throw error;
}

function ofUser(told: UserPermission): Standing {
  const { reason, unlock } = told;
  const refusal = reason === null ? null : { reason, unlock, closedBy: null };
  return { mayWrite: told.message, refusal, readOnlyAt: null };
}

function ofThread(told: WritePermission): Standing {
  const { reason, unlock } = told;
  const refusal = reason === null ? null : { reason, unlock, closedBy: told.closed_by };
  return { mayWrite: told.write, refusal, readOnlyAt: told.read_only_at };
}

function matters(event: Told, conversationId: string | null): boolean {
  switch (event.type) {
    case "conversation.created":
    case "conversation.updated":
      return conversationId === null || event.data.conversation.id === conversationId;
    case "participant.joined":
    case "participant.left":
      return event.data.conversation_id === conversationId;
    case "resync":
      return true;
    default:
      // Links come by `client.connections`.
      return false;
  }
}
