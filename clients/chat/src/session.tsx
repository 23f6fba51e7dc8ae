import type { Callboard, Profile } from "@callboard/client";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Translate } from "./i18n.js";

/**
 * Finds people by what somebody types, for a new conversation.
 *
 * The server has no list of all people to search in: the page that hosts the chat knows
 * whom to offer. An empty query asks for a few to begin with.
 */
export type Directory = (query: string) => Promise<Profile[]>;

/** What the host page has chosen. */
export interface ChatOptions {
  /** Where the service worker is, for push; null for none. */
  serviceWorker: string | null;
  /** Whether this chat keeps its place in the browser's history. */
  history: boolean;
}

/** What every part of the chat stands on. Another person is another session. */
export interface Session {
  client: Callboard;
  /** The id of who one is; never empty. */
  me: string;
  t: Translate;
  /** For Intl: "en" or "de", with the region where known. */
  locale: string;
  directory: Directory | null;
  options: ChatOptions;
}

export const SessionContext = createContext<Session | null>(null);

/** The session that surrounds a part; a part outside of one is a mistake. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("useSession outside of a session");
  return session;
}
