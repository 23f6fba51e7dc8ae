import { vi } from "vitest";
import { Backoff } from "../src/backoff.js";
import type { Contract } from "../src/generated/contract.js";
import { Session } from "../src/session.js";
import { Tokens } from "../src/tokens.js";
import type { Message, SocketClass, TokenSource } from "../src/types.js";

type Frame = { id: number; type: string; data: Record<string, unknown> };
type Events = Contract["events"];

export const ADA = "00000000-0000-4000-8000-00000000000a";
export const GRACE = "00000000-0000-4000-8000-00000000000b";
export const ROOM = "00000000-0000-4000-8000-0000000000c1";
export const OTHER_ROOM = "00000000-0000-4000-8000-0000000000c2";
const AT = "2026-11-21T12:00:00.000Z";

/** One socket, as the server's side of it sees it. */
export class Line {
  readonly sent: Frame[] = [];
  isLeft = false;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  /** Asked each command; what it returns is answered, unless it is undefined. */
  answers: (frame: Frame) => object | undefined = () => undefined;

  constructor(
    readonly url: string,
    readonly protocols: readonly string[],
  ) {}

  /** What the client calls. */
  send(text: string): void {
    const frame: Frame = JSON.parse(text);
    this.sent.push(frame);
    const answer = this.answers(frame);
    if (answer !== undefined) queueMicrotask(() => this.raw({ id: frame.id, ...answer }));
  }

  /** What the client calls; a browser tells of the end later. */
  close(): void {}

  raw(frame: object | string): void {
    this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  tell<K extends keyof Events>(type: K, data: Events[K], at = AT): void {
    this.raw({ type, at, data });
  }

  greet(more: Partial<Events["hello"]> = {}): void {
    const hello = {
      user_id: ADA,
      session_id: "00000000-0000-4000-8000-00000000005e",
      resumed: null,
      cursor: "c1",
      unread: { conversations: 0, messages: 0, notifications: 0 },
      heartbeat_s: 25,
      limits: { frame_bytes: 65536, body_chars: 8000, attachments: 10 },
    };
    this.tell("hello", { ...hello, ...more }, new Date().toISOString());
  }

  ok(frame: Frame | undefined, data: object = {}): void {
    this.raw({ type: "ok", id: frame?.id, data });
  }

  refuse(frame: Frame | undefined, code: string, more: object = {}): void {
    this.raw({ type: "error", id: frame?.id, error: refusal(code, more) });
  }

  end(code: number, reason = ""): void {
    this.onclose?.({ code, reason });
  }

  commands(type: string): Frame[] {
    return this.sent.filter((frame) => frame.type === type);
  }
}

/** A server whose every word a test says; `WebSocket` is for the client. */
export class ScriptedServer {
  readonly lines: Line[] = [];
  readonly #sessions: Session[] = [];
  readonly WebSocket: SocketClass;

  constructor() {
    const { lines } = this;
    this.WebSocket = class extends Line {
      constructor(url: string, protocols: readonly string[]) {
        super(url, protocols);
        lines.push(this);
      }
    };
  }

  /** A session of Ada's on this server, not yet connected; every wait is the same. */
  session(source: TokenSource = () => tokenOf(ADA), chance = () => 0.5): Session {
    const session = new Session({
      url: "https://chat.example",
      tokens: new Tokens(source),
      WebSocket: this.WebSocket,
      backoff: new Backoff({ chance }),
    });
    this.#sessions.push(session);
    return session;
  }

  /** Connect a session and greet it. */
  async online(session = this.session()): Promise<Session> {
    session.connect();
    await settle();
    this.line.greet();
    await settle();
    return session;
  }

  /** Close all sessions. */
  close(): void {
    for (const session of this.#sessions) session.close();
  }

  get line(): Line {
    const line = this.lines.at(-1);
    if (line === undefined) throw new Error("Nobody has connected.");
    return line;
  }
}

export function refusal(code: string, more: object = {}): object {
  return { code, message: code, retry: false, retry_after_ms: null, details: {}, ...more };
}

/** The message that a `message.send` of Ada's makes. */
export function stored(frame: Pick<Frame, "data">, seq = 1): Message {
  return {
    id: `00000000-0000-4000-8000-${String(seq).padStart(12, "0")}`,
    conversation_id: String(frame.data.conversation_id),
    seq,
    client_id: String(frame.data.client_id),
    sender_id: ADA,
    kind: "text",
    body: String(frame.data.body),
    attachments: [],
    reply_to_id: null,
    metadata: {},
    mentions: [],
    reply_to: null,
    reactions: {},
    sent_at: AT,
    edited_at: null,
    deleted_at: null,
    read_at: null,
  };
}

/** A JWT of somebody, until so many seconds from now. */
export function tokenOf(sub: string, seconds = 3600, mark = ""): string {
  const part = (what: object) => Buffer.from(JSON.stringify(what)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + seconds;
  return `${part({ alg: "HS256" })}.${part({ sub, exp, name: "Ådä", mark })}.c2ln`;
}

/** Let everything happen that needs no time. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}
