import { Problem } from "./errors.js";
import { Http } from "./http.js";
import { Outbox } from "./outbox.js";
import { IndexedDbOutbox } from "./outbox-indexeddb.js";
import { Session } from "./session.js";
import { Tokens } from "./tokens.js";
import type { Attachment, CallOptions, Calls, Options } from "./types.js";
import { upload } from "./uploads.js";
import type { UploadOptions, Wire } from "./wire.js";

/** One person's connection: sockets, calls, and what waits to be sent. */
export class Connection extends Session implements Wire {
  readonly outbox: Outbox;
  readonly #http: Http;
  readonly #fetch: typeof fetch;

  /** Throws `invalid` where an option is missing or of no use. */
  constructor(options: Options) {
    const url = options.url.replace(/\/+$/, "");
    if (!/^https?:\/\/[^/?#]/.test(url)) {
      throw new Problem("invalid", "`url` is the server's address: https://chat.example");
    }
    const { WebSocket = globalThis.WebSocket, fetch = globalThis.fetch } = options;
    if (WebSocket === undefined) {
      throw new Problem("invalid", "There is no WebSocket here: give that of `ws`.");
    }
    const tokens = new Tokens(options.token);
    super({ url, tokens, WebSocket });
    // A browser's own fetch must not be called as a method of ours.
    this.#fetch = (input, init) => fetch(input, init);
    this.#http = new Http(url, tokens, this.#fetch);
    const inBrowser = typeof indexedDB === "undefined" ? null : new IndexedDbOutbox(url);
    this.outbox = new Outbox(this, options.outbox === undefined ? inBrowser : options.outbox);
  }

  override close(reason: Problem | null = null): void {
    super.close(reason);
    this.outbox.wake();
  }

  call<K extends keyof Calls>(what: K, options?: CallOptions<K>): Promise<Calls[K]["answer"]> {
    return this.#http.call(what, options);
  }

  upload(conversationId: string, file: File, options?: UploadOptions): Promise<Attachment> {
    return upload(this, this.#fetch, conversationId, file, options);
  }
}
