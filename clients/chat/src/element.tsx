import {
  type Callboard,
  createCallboard,
  Problem,
  type TokenSource,
  type Unread,
} from "@callboard/client";
import { h, render } from "preact";
import { Ground } from "./app.js";
import { NOWHERE, Place } from "./route.js";
import type { ChatOptions, Directory } from "./session.js";
import { Appearance, type Settings } from "./shell/settings.js";
import { styles } from "./styles.js";
import { isSamePerson, subjectOf } from "./who.js";
import { forgetPush } from "./worker/push.js";

export { chooseLocale } from "./i18n.js";
export { ground, sheetOf } from "./styles.js";

/** Where to go by `open`: a conversation, or somebody. */
export type Target = { conversationId: string } | { userId: string };

/** What goes with an event of the element, as its `detail`. */
export interface ChatEvents {
  /** What waits, after each change: for a badge or the title of the page. */
  "callboard-unread": Unread;
  /** Another conversation is shown; null for none. */
  "callboard-open": { conversationId: string | null };
  /** How the chat looks now, after the reader's or the page's choice. */
  "callboard-appearance": Settings;
}

interface Running {
  client: Callboard;
  place: Place;
  options: ChatOptions;
  /** Ends what listens. */
  stops: (() => void)[];
}

/** Properties that a page may have set before this element was defined. */
const PROPERTIES = ["token", "directory", "serviceWorker"] as const;

/**
 * `<callboard-chat>`: the chat of one person, in any page.
 *
 * Attributes: `server` (where it is; else where this script came from), `lang`, `theme`
 * (`light`, `dark`, `auto`), `conversation` (the one to show), `history` (keep the place in
 * the address's hash, so that "back" works; for one chat of a page). It follows when they
 * change. `dir` is its own or the page's.
 *
 * It begins when it has a token and is in the page, and ends when it is taken out of it;
 * without a token it shows its frame.
 */
export class CallboardChat extends HTMLElement {
  static readonly observedAttributes = [
    "server",
    "lang",
    "theme",
    "conversation",
    "history",
  ] as const;

  readonly #root = this.attachShadow({ mode: "open" });
  readonly #appearance: Appearance;
  #token: TokenSource | null = null;
  #directory: Directory | null = null;
  #serviceWorker: string | null = null;
  #running: Running | null = null;
  #target: Target | null = null;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [styles()];
    this.#appearance = new Appearance({ theme: null, lang: null });
    this.#appearance.subscribe(() => this.#tell("callboard-appearance", this.#appearance.get()));
  }

  /**
   * Who one is: a token, or better what gives one, asked again before it expires.
   *
   * A new token of the same person is taken over as it is. For another person set `null`
   * first, or a token that names them: then nothing of the former is left. A function that
   * gives somebody else's token does the same, as soon as it is asked for the next one.
   */
  get token(): TokenSource | null {
    return this.#token;
  }

  set token(token: TokenSource | null) {
    const before = this.#token;
    this.#token = token;
    if (before !== null && token !== null && isSamePerson(before, token)) return;
    if (before !== null) this.#forget();
    this.#draw();
    this.#start();
  }

  /** Whom to offer for a new conversation; without one nobody is offered by name. */
  get directory(): Directory | null {
    return this.#directory;
  }

  set directory(directory: Directory | null) {
    this.#directory = directory;
    this.#draw();
  }

  /** Where the page serves the chat's service worker, for push; null for no push. */
  get serviceWorker(): string | null {
    return this.#serviceWorker;
  }

  set serviceWorker(address: string | null) {
    this.#serviceWorker = address;
    if (this.#running) this.#running.options = this.#options();
    this.#draw();
  }

  /** How the chat looks now; `callboard-appearance` tells when that changes. */
  get appearance(): Settings {
    return this.#appearance.get();
  }

  /** The client behind the chat, for what else the page does; null while there is none. */
  get client(): Callboard | null {
    return this.#running?.client ?? null;
  }

  /** Show a conversation, or the one with somebody; at once, or as soon as there is a token. */
  open(target: Target): void {
    if (this.#running) this.#running.place.go({ panel: null, ...target });
    else this.#target = target;
  }

  connectedCallback(): void {
    for (const name of PROPERTIES) this.#upgrade(name);
    this.#follow();
    this.#draw();
    this.#start();
  }

  disconnectedCallback(): void {
    // Moved to another place in the page, it is back within the same turn.
    queueMicrotask(() => {
      if (!this.isConnected) this.#stop();
    });
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after) return;
    this.#follow();
    if (name === "conversation" && after) this.open({ conversationId: after });
    if (this.#running && (name === "server" || name === "history")) {
      this.#stop();
      this.#start();
    }
  }

  /** A property set on an element that was not defined yet hides the accessor: set it again. */
  #upgrade(name: (typeof PROPERTIES)[number]): void {
    if (!Object.hasOwn(this, name)) return;
    const value: unknown = Reflect.get(this, name);
    Reflect.deleteProperty(this, name);
    Reflect.set(this, name, value);
  }

  #follow(): void {
    this.#appearance.follow({
      theme: this.getAttribute("theme"),
      lang: this.getAttribute("lang"),
    });
  }

  #options(): ChatOptions {
    return { serviceWorker: this.#serviceWorker, history: this.hasAttribute("history") };
  }

  #start(): void {
    if (this.#running || !this.isConnected || this.#token === null) return;
    const url = this.getAttribute("server") || new URL(import.meta.url).origin;
    let whose: string | null = null;
    const client = createCallboard({
      url: new URL(url, location.href).href,
      token: async () => {
        const token = await this.#currentToken();
        const subject = subjectOf(token);
        if (whose !== null && subject !== null && subject !== whose) {
          if (this.#running?.client === client) {
            this.#forget();
            this.#start();
          }
          throw new Problem("forbidden", "This token is somebody else's.");
        }
        whose ??= subject;
        return token;
      },
    });
    const place = new Place(this.hasAttribute("history"));
    const target = this.#target;
    this.#target = null;
    let shown = place.get().conversationId;
    const stops = [
      client.unread.subscribe(() => this.#tell("callboard-unread", client.unread.get())),
      place.subscribe(() => {
        const { conversationId } = place.get();
        if (conversationId === shown) return;
        shown = conversationId;
        this.#tell("callboard-open", { conversationId });
      }),
    ];
    this.#running = { client, place, options: this.#options(), stops };
    if (target) this.open(target);
    this.#draw();
    client.connect();
  }

  readonly #currentToken = (): string | Promise<string> => {
    const token = this.#token;
    if (token === null) throw new Error("The chat has no token any more.");
    return typeof token === "string" ? token : token();
  };

  /** Another person: leave the place too, which was the former's. */
  #forget(): void {
    this.#running?.place.go(NOWHERE, { replace: true });
    forgetPush(this.#serviceWorker).catch((error: unknown) => {
      // A browser that lends no storage has had nothing to forget.
      if (!(error instanceof DOMException)) throw error;
    });
    this.#target = null;
    this.#stop();
    // What the page shows of it elsewhere goes as well.
    this.#tell("callboard-unread", { conversations: 0, messages: 0, notifications: 0 });
    this.#tell("callboard-open", { conversationId: null });
  }

  #stop(): void {
    const running = this.#running;
    if (!running) return;
    this.#running = null;
    for (const stop of running.stops) stop();
    render(null, this.#root);
    running.place.end();
    running.client.close();
  }

  /** Draw what there is: the frame alone while there is no token. */
  #draw(): void {
    if (!this.isConnected) return;
    const app = this.#running && { ...this.#running, directory: this.#directory };
    render(h(Ground, { appearance: this.#appearance, app }), this.#root);
  }

  #tell<K extends keyof ChatEvents>(name: K, detail: ChatEvents[K]): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

declare global {
  interface HTMLElementEventMap {
    "callboard-unread": CustomEvent<Unread>;
    "callboard-open": CustomEvent<{ conversationId: string | null }>;
    "callboard-appearance": CustomEvent<Settings>;
  }
  interface HTMLElementTagNameMap {
    "callboard-chat": CallboardChat;
  }
}

// A page that loads it twice, from two addresses, keeps the first.
if (!customElements.get("callboard-chat")) customElements.define("callboard-chat", CallboardChat);
