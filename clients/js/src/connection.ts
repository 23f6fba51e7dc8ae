import { Problem } from "./errors.js";
import { callerOf } from "./http.js";
import { Outbox } from "./outbox.js";
import { IndexedDbOutbox } from "./outbox-indexeddb.js";
import { Session } from "./session.js";
import { Tokens } from "./tokens.js";
import type { Options } from "./types.js";
import type { Wire } from "./wire.js";

/** One person's connection: sockets, calls, and what waits to be sent. */
export class Connection extends Session implements Wire {
  readonly outbox: Outbox;
  readonly call: Wire["call"];

  /** Throws `invalid` where an option is missing or of no use. */
  constructor(options: Options) {
    const url = options.url.replace(/\/+$/, "");
    if (!/^https?:\/\/[^/?#]/.test(url)) {
      throw new Problem("invalid", "`url` is to be as https://chat.example");
    }
    const { WebSocket = globalThis.WebSocket, fetch = globalThis.fetch } = options;
    if (WebSocket === undefined) {
      throw new Problem("invalid", "`WebSocket` is to be that of `ws` here.");
    }
    const tokens = new Tokens(options.token);
    super({ url, tokens, WebSocket });
    // A browser's own fetch must not be called as a method of ours.
    this.call = callerOf(url, tokens, (input, init) => fetch(input, init));
    const { outbox = typeof indexedDB === "undefined" ? null : new IndexedDbOutbox(url) } = options;
    this.outbox = new Outbox(this, outbox);
  }

  override close(reason: Problem | null = null): void {
    super.close(reason);
    this.outbox.wake();
  }
}
