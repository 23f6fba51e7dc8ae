import { Cell, type Store } from "@callboard/client";
import { useStore } from "@callboard/client/react";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

export type PanelName = "notifications" | "preferences" | "requests" | "search" | "new" | "details";

/** Where one is in the chat. */
export interface Route {
  conversationId: string | null;
  /** Somebody with whom there is no conversation yet. */
  userId: string | null;
  panel: PanelName | null;
  /** The message to jump to. */
  seq: number | null;
}

/** Goes elsewhere; `replace` leaves nothing to come back to. */
export type Go = (change: Partial<Route>, options?: { replace?: boolean }) => void;

export const NOWHERE: Route = { conversationId: null, userId: null, panel: null, seq: null };

// Far more than anybody goes back; the browser itself keeps fifty.
const REMEMBERED = 100;

const PANELS: readonly string[] = [
  "notifications",
  "preferences",
  "requests",
  "search",
  "new",
  "details",
];

/**
 * The place of one chat: there may be several on a page.
 *
 * With history, each change is an entry of the browser's, kept in the address's hash, so that
 * "back" closes what was opened last, and a reload comes back to it. A change to where one
 * just came from goes back instead of adding to the pile.
 */
export class Place implements Store<Route> {
  readonly #route = new Cell<Route>(NOWHERE);
  readonly #usesHistory: boolean;
  #before: Route[] = [];

  constructor(usesHistory: boolean) {
    this.#usesHistory = usesHistory;
    if (!usesHistory) return;
    this.#route.set(routeOf(location.hash));
    addEventListener("popstate", this.#onPop);
  }

  readonly get = (): Route => this.#route.get();
  readonly subscribe = (listener: () => void): (() => void) => this.#route.subscribe(listener);

  /** Go somewhere: what is not named stays, but another conversation closes its own panels. */
  readonly go: Go = (change, { replace = false } = {}) => {
    const now = this.#route.get();
    const next = complete(now, change);
    if (isSame(now, next)) return;
    const last = this.#before.at(-1);
    if (this.#usesHistory && !replace && last && isSame(last, next)) {
      history.back();
      return;
    }
    this.#route.set(next);
    if (!this.#usesHistory) return;
    const address = hashOf(next) || location.pathname + location.search;
    if (replace) {
      history.replaceState(null, "", address);
      return;
    }
    this.#before.push(now);
    if (this.#before.length > REMEMBERED) this.#before.shift();
    history.pushState(null, "", address);
  };

  /** Stop hearing the browser, and leave no trace of where one was. */
  end(): void {
    removeEventListener("popstate", this.#onPop);
  }

  readonly #onPop = (): void => {
    const next = routeOf(location.hash);
    const last = this.#before.at(-1);
    // Backwards as far as is remembered; forwards begins to remember anew.
    if (last && isSame(last, next)) this.#before.pop();
    else this.#before = [];
    this.#route.set(next);
  };
}

function complete(now: Route, change: Partial<Route>): Route {
  const next = { ...now, seq: null, ...change };
  if (change.conversationId) next.userId = null;
  else if (change.userId) next.conversationId = null;
  const isElsewhere = next.conversationId !== now.conversationId || next.userId !== now.userId;
  if (isElsewhere && change.panel === undefined && next.panel === "details") next.panel = null;
  return next;
}

function isSame(a: Route, b: Route): boolean {
  return (
    a.conversationId === b.conversationId &&
    a.userId === b.userId &&
    a.panel === b.panel &&
    a.seq === b.seq
  );
}

/** A route as the hash of an address, empty for nowhere. */
export function hashOf(route: Route): string {
  const words = new URLSearchParams();
  if (route.conversationId) words.set("conversation", route.conversationId);
  if (route.userId) words.set("user", route.userId);
  if (route.panel) words.set("panel", route.panel);
  if (route.seq !== null) words.set("message", String(route.seq));
  const text = words.toString();
  return text && `#${text}`;
}

/** The route in a hash; what it cannot be is passed over. */
export function routeOf(hash: string): Route {
  const words = new URLSearchParams(hash.slice(1));
  const panel = words.get("panel");
  const seq = Number(words.get("message"));
  return {
    conversationId: words.get("conversation"),
    userId: words.get("user"),
    panel: isPanel(panel) ? panel : null,
    seq: Number.isSafeInteger(seq) && seq > 0 ? seq : null,
  };
}

function isPanel(name: string | null): name is PanelName {
  return name !== null && PANELS.includes(name);
}

export const PlaceContext = createContext<Place | null>(null);

function usePlace(): Place {
  const place = useContext(PlaceContext);
  if (!place) throw new Error("useRoute outside of a chat");
  return place;
}

/** Where one is. */
export function useRoute(): Route {
  return useStore(usePlace());
}

/** What goes elsewhere: `const go = useGo(); go({ panel: "search" })`. */
export function useGo(): Go {
  return usePlace().go;
}
