/**
 * Hooks for React from 18 on, and for Preact by `preact/compat`.
 *
 * Each gives the state of one part of the client and draws again when that changes; what
 * one does stands on the client: `useCallboard().thread(id).send({ body })`.
 */
import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
} from "react";
import type { Store } from "./store.js";
import type {
  Callboard,
  ConnectionsState,
  ConversationList,
  InboxState,
  Me,
  PresenceEntry,
  Profile,
  Status,
  ThreadState,
  Unread,
} from "./types.js";

const Current = createContext<Callboard | null>(null);

/**
 * Give a client to everything below.
 *
 * It neither connects nor closes: whoever makes the client does, once for the page.
 */
export function CallboardProvider(props: { client: Callboard; children?: ReactNode }): ReactNode {
  return createElement(Current.Provider, { value: props.client }, props.children);
}

/** The client; throws outside a `CallboardProvider`. */
export function useCallboard(): Callboard {
  const client = useContext(Current);
  if (client === null) throw new Error("There is no <CallboardProvider> around this component.");
  return client;
}

/**
 * The state of a store, or what `select` takes from it.
 *
 * What is selected is compared by identity: give a part, never a new object.
 */
export function useStore<T>(store: Store<T>): T;
export function useStore<T, S>(store: Store<T>, select: (state: T) => S): S;
export function useStore<T, S>(store: Store<T>, select?: (state: T) => S): T | S {
  const get = () => (select === undefined ? store.get() : select(store.get()));
  return useSyncExternalStore<T | S>(store.subscribe, get, get);
}

/** How the client stands: online, waiting, closed, and why. */
export function useStatus(): Status {
  return useStore(useCallboard().status);
}

/** Who one is, once known. */
export function useMe(): Me | null {
  return useStore(useCallboard().me);
}

/** Everything that waits, over all conversations. */
export function useUnread(): Unread {
  return useStore(useCallboard().unread);
}

/** The list of conversations, newest activity first. */
export function useConversations(): ConversationList {
  return useStore(useCallboard().conversations);
}

/** One conversation's messages; the first look loads them. */
export function useThread(conversationId: string): ThreadState {
  return useStore(useCallboard().thread(conversationId));
}

/** The notification inbox; the first look loads it. */
export function useInbox(): InboxState {
  return useStore(useCallboard().notifications);
}

/** Links to other people, and whom one blocks. */
export function useConnections(): ConnectionsState {
  return useStore(useCallboard().connections);
}

/** Somebody's public profile; undefined until known, null where there is nobody. */
export function usePerson(userId: string | null): Profile | null | undefined {
  return usePeople(userId === null ? [] : [userId]).get(userId ?? "");
}

/** Public profiles of these people, as far as they are known. */
export function usePeople(userIds: Iterable<string>): ReadonlyMap<string, Profile | null> {
  const { people } = useCallboard();
  const key = keyOf(userIds);
  useEffect(() => people.want(idsOf(key)), [people, key]);
  return useSome(people, key);
}

/** Who of these people is there; they are watched as long as the component is. */
export function usePresence(userIds: Iterable<string>): ReadonlyMap<string, PresenceEntry> {
  const { presence } = useCallboard();
  const key = keyOf(userIds);
  useEffect(() => (key === "" ? undefined : presence.watch(idsOf(key))), [presence, key]);
  return useSome(presence, key);
}

/** Some entries of a map that changes; the same object until one of these does. */
function useSome<V>(store: Store<ReadonlyMap<string, V>>, key: string): ReadonlyMap<string, V> {
  const select = useMemo(() => {
    const ids = idsOf(key);
    let kept: ReadonlyMap<string, V> = new Map();
    return (all: ReadonlyMap<string, V>): ReadonlyMap<string, V> => {
      if (ids.some((id) => all.get(id) !== kept.get(id))) {
        const found = ids.flatMap((id) => {
          const one = all.get(id);
          return one === undefined ? [] : [[id, one] as const];
        });
        kept = new Map(found);
      }
      return kept;
    };
  }, [key]);
  return useStore(store, select);
}

// Lists are made anew at each drawing; their text is what stays the same.
function keyOf(userIds: Iterable<string>): string {
  return [...new Set(userIds)].sort().join(" ");
}

function idsOf(key: string): string[] {
  return key === "" ? [] : key.split(" ");
}
