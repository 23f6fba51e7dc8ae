import { Problem } from "./errors.js";
import { Http } from "./http.js";
import { Outbox } from "./outbox.js";
import { IndexedDbOutbox } from "./outbox-indexeddb.js";
import { Session } from "./session.js";
import type { Store } from "./store.js";
import { Tokens } from "./tokens.js";
import type { Attachment, CallOptions, Calls, Commands, Options, Status, Told } from "./types.js";
import { upload } from "./uploads.js";
import type { UploadOptions, Wire } from "./wire.js";

/** One person's connection: sockets, calls, and what waits to be sent. */
export class Connection implements Wire {
  readonly outbox: Outbox;
  readonly status: Store<Status>;
  readonly #session: Session;
  readonly #http: Http;
  readonly #fetch: typeof fetch;

  /** Throws `invalid` where an option is missing or of no use. */
  constructor(options: Options) {
    const url = options.url.replace(/\/+$/, "");
    if (!/^https?:\/\/[^/?#]/.test(url)) {
      throw new Problem("invalid", "`url` is the server's address: https://chat.example");
    }
    const socketClass = options.WebSocket ?? globalThis.WebSocket;
    if (socketClass === undefined) {
      throw new Problem("invalid", "There is no WebSocket here: give that of `ws`.");
    }
    const fetcher = options.fetch ?? globalThis.fetch;
    // A browser's own fetch must not be called as a method of ours.
    this.#fetch = (input, init) => fetcher(input, init);
    const tokens = new Tokens(options.token);
    this.#http = new Http(url, tokens, this.#fetch);
    this.#session = new Session({ url, tokens, WebSocket: socketClass });
    this.status = this.#session.status;
    const inBrowser = typeof indexedDB === "undefined" ? null : new IndexedDbOutbox(url);
    const storage = options.outbox === undefined ? inBrowser : options.outbox;
    this.outbox = new Outbox(this.#session, storage);
  }

  get userId(): string {
    return this.#session.userId;
  }

  get isOnline(): boolean {
    return this.#session.isOnline;
  }

  connect(): void {
    this.outbox.open();
    this.#session.connect();
  }

  close(): void {
    this.#session.close();
    this.outbox.close();
  }

  retryNow(): void {
    this.#session.retryNow();
  }

  command<K extends keyof Commands>(
    type: K,
    data: Commands[K]["data"],
  ): Promise<Commands[K]["ok"]> {
    return this.#session.command(type, data);
  }

  call<K extends keyof Calls>(what: K, options?: CallOptions<K>): Promise<Calls[K]["answer"]> {
    return this.#http.call(what, options);
  }

  upload(conversationId: string, file: File, options?: UploadOptions): Promise<Attachment> {
    const call: Wire["call"] = (what, more) => this.call(what, more);
    return upload(call, this.#fetch, conversationId, file, options);
  }

  on(listener: (event: Told) => void): () => void {
    return this.#session.on(listener);
  }

  onApplied(onlooker: (event: Told) => void): () => void {
    return this.#session.onApplied(onlooker);
  }

  onOnline(listener: (isAnew: boolean) => void | Promise<void>): () => void {
    return this.#session.onOnline(listener);
  }
}
