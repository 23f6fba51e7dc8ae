import { bounded } from "./backoff.js";
import { isRecord, Problem, TOO_MUCH } from "./errors.js";
import type { Contract } from "./generated/contract.js";
import { TOO_LATE } from "./patience.js";
import type { Commands, Refusal, SocketClass, Told } from "./types.js";

export const REPLY_MS = 10_000;
const GREETING_MS = 15_000;
const SHORTEST_BEAT_MS = 5_000;
// The server begins a few at a time, and reads no further until they are answered.
const MOST_ASKED = 1000;
/** The line went dead without a close frame. */
export const NO_CLOSE_FRAME = 1006;
const HEARTBEAT_MISSED = 4002;

type Hello = Contract["events"]["hello"];
type Frame =
  | { type: "ok"; id: number; data: unknown }
  | { type: "error"; id: number; error: Refusal }
  | Told;

interface Asked {
  since: number;
  timer: ReturnType<typeof setTimeout>;
  resolve(data: unknown): void;
  reject(problem: Problem): void;
}

export interface SocketOptions {
  WebSocket: SocketClass;
  /** The server's address, as http(s). */
  url: string;
  token: string;
  cursor: string | null;
  /** Told every event, `hello` first. */
  onEvent(event: Told): void;
  /** Told once, when it is over; nothing comes after. */
  onEnd(code: number, reason: string): void;
}

/** One WebSocket life, from the handshake to the close code; nothing comes back here. */
export class Socket {
  #hello: Hello | null = null;
  #isOver = false;
  #heardAt = 0;
  #lastId = 0;
  #timer: ReturnType<typeof setTimeout>;
  readonly #socket: InstanceType<SocketClass>;
  readonly #options: SocketOptions;
  readonly #asked = new Map<number, Asked>();

  constructor(options: SocketOptions) {
    this.#options = options;
    const cursor = options.cursor === null ? "" : `?cursor=${encodeURIComponent(options.cursor)}`;
    const url = `${options.url.replace(/^http/, "ws")}/v1/ws${cursor}`;
    this.#socket = new options.WebSocket(url, ["callboard.v1", `bearer.${options.token}`]);
    this.#socket.onmessage = ({ data }: { data: unknown }) => this.#take(data);
    this.#socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
      this.#end(code, reason);
    // The close that follows says it; but `ws` ends the process where nobody hears this.
    this.#socket.onerror = () => undefined;
    this.#timer = setTimeout(() => this.drop(NO_CLOSE_FRAME), GREETING_MS);
  }

  /** Whether it has been greeted and is not over. */
  get isLive(): boolean {
    return this.#hello !== null && !this.#isOver;
  }

  /**
   * Send a command and give the data of its `ok`.
   *
   * Rejects with the server's refusal; with `offline` where the socket ends first, and
   * `unavailable` where no reply comes in time: then what became of it is unknown.
   */
  command<K extends keyof Commands>(
    type: K,
    data: Commands[K]["data"],
    patienceMs = REPLY_MS,
  ): Promise<Commands[K]["ok"]> {
    return new Promise((resolve, reject) => {
      if (this.#hello === null || this.#isOver) throw lost();
      const id = ++this.#lastId;
      const frame = JSON.stringify({ id, type, data });
      const most = this.#hello.limits.frame_bytes;
      // What is too long would end the whole socket.
      if (frame.length * 3 > most && new Blob([frame]).size > most) {
        throw new Problem("too_large", `A command has at most ${most} bytes.`);
      }
      if (this.#asked.size >= MOST_ASKED) {
        throw new Problem("rate_limited", TOO_MUCH);
      }
      this.#asked.set(id, {
        since: Date.now(),
        timer: setTimeout(() => this.#giveUp(id), patienceMs),
        resolve,
        reject,
      });
      this.#socket.send(frame);
    });
  }

  /** Find out whether the other side still hears; ends the socket where it does not. */
  probe(patienceMs = REPLY_MS): void {
    if (!this.isLive) return;
    // How it went shows in the socket's end.
    this.command("ping", {}, patienceMs).catch(() => undefined);
  }

  /** End it now, without waiting for a dead line to say so. */
  drop(code: number): void {
    this.#end(code, "");
    this.#socket.close(1000);
  }

  #giveUp(id: number): void {
    const asked = this.#claim(id);
    if (!asked) return;
    asked.reject(new Problem("unavailable", TOO_LATE));
    // Nothing at all since: the line is dead, whatever it looks like.
    if (this.#heardAt <= asked.since) this.drop(HEARTBEAT_MISSED);
  }

  /** Take who asked out of those who wait for a reply, if they still do. */
  #claim(id: number): Asked | undefined {
    const asked = this.#asked.get(id);
    clearTimeout(asked?.timer);
    this.#asked.delete(id);
    return asked;
  }

  #take(data: unknown): void {
    if (this.#isOver || typeof data !== "string") return;
    this.#heardAt = Date.now();
    const frame = read(data);
    if (frame === null) {
      this.drop(NO_CLOSE_FRAME);
      return;
    }
    if (frame.type === "ok" || frame.type === "error") {
      // Nobody waits any more for what came too late.
      const asked = this.#claim(frame.id);
      if (frame.type === "ok") asked?.resolve(frame.data);
      else asked?.reject(Problem.from(frame.error));
      return;
    }
    if (frame.type === "hello") {
      this.#hello = frame.data;
      clearTimeout(this.#timer);
      this.#beat(Math.max(bounded(frame.data.heartbeat_s * 1000), SHORTEST_BEAT_MS));
    }
    this.#options.onEvent(frame);
  }

  /** Ask for a sign of life where none came for a heartbeat: pings of a socket show nowhere. */
  #beat(everyMs: number, waitMs = everyMs): void {
    this.#timer = setTimeout(() => {
      const silentMs = Date.now() - this.#heardAt;
      if (silentMs >= everyMs) this.probe();
      this.#beat(everyMs, silentMs >= everyMs ? everyMs : everyMs - silentMs);
    }, waitMs);
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    for (const id of this.#asked.keys()) this.#claim(id)?.reject(lost());
    this.#options.onEnd(code, reason);
  }
}

function read(data: string): Frame | null {
  try {
    const frame: Frame = JSON.parse(data);
    return isRecord(frame.type === "error" ? frame.error : frame.data) ? frame : null;
  } catch {
    // Something in between speaks, not the server.
    return null;
  }
}

/** The problem of what met no connection. */
export function lost(): Problem {
  return Problem.of(undefined);
}
