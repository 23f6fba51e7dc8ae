import { Backoff, bounded } from "./backoff.js";
import { Problem, SOMEBODY_ELSE } from "./errors.js";
import { listenForHints } from "./hints.js";
import { lost, NO_CLOSE_FRAME, REPLY_MS, Socket, type SocketOptions } from "./socket.js";
import { Cell, type Store } from "./store.js";
import type { Tokens } from "./tokens.js";
import type { SocketClass, Status, Told } from "./types.js";
import type { Wire } from "./wire.js";

const GOING_AWAY = 1001;
const TOKEN_EXPIRED = 4001;
const UNAUTHENTICATED = 4500;
// Faults of our own frames would end the next socket as well, as what is 45xx.
const FINAL: Readonly<Record<number, string>> = {
  1002: "invalid",
  1003: "invalid",
  1007: "invalid",
  1008: "forbidden",
  1009: "too_large",
  4501: "suspended",
  4503: "forbidden",
};
// Who is sent away sooner than this after each greeting waits longer each time.
const STEADY_MS = 10_000;
const HINT_MS = 5_000;
const MOST_WAITING = 1000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

type Timer = ReturnType<typeof setTimeout>;
type WhenOnline = (isAnew: boolean) => void | Promise<void>;

/**
 * One socket after the other: comes back, resumes, refreshes the token, knows when to stop.
 *
 * The cursor moves on only when every event before it has been heard by all listeners, and
 * what was missed beyond that counts as missed until it has been fetched.
 */
export class Session {
  readonly status: Store<Status>;
  readonly #status = new Cell<Status>({ state: "idle", retryAt: null, reason: null });
  readonly #line: Pick<SocketOptions, "url" | "WebSocket">;
  readonly #tokens: Tokens;
  readonly #backoff: Backoff;
  readonly #reloading = new Backoff({ firstMs: 1000 });
  readonly #renewing = new Backoff({ firstMs: 1000 });
  // Each, and whether what it takes in is the client's own state.
  readonly #listeners = new Map<(event: Told) => void, boolean>();
  readonly #whenOnline = new Set<WhenOnline>();
  // Commands that wait for a connection: told when it is there, and when there is none.
  readonly #waiting = new Set<() => void>();
  #userId = "";
  #cursor: string | null = null;
  #socket: Socket | null = null;
  // The one that the socket knows.
  #token = "";
  // Counts the attempts, so that what belongs to an earlier one is known.
  #attempt = 0;
  #refusals = 0;
  #greetedAt = 0;
  #notBefore = 0;
  // Which reload is owed, and which has been done: they differ while something is missing.
  #owed = 0;
  #done = 0;
  #timer: Timer | undefined;
  #renewal: Timer | undefined;
  #reload: Timer | undefined;
  #stopHints: (() => void) | null = null;

  constructor(options: {
    url: string;
    tokens: Tokens;
    WebSocket: SocketClass;
    backoff?: Backoff;
  }) {
    this.#line = options;
    this.#tokens = options.tokens;
    this.#backoff = options.backoff ?? new Backoff();
    this.status = this.#status;
  }

  /** Who one is; empty until the first greeting. */
  get userId(): string {
    return this.#userId;
  }

  /** Whether commands are taken right now. */
  get isOnline(): boolean {
    return this.#socket?.isLive ?? false;
  }

  /** Come online, also after `closed`; returns at once. */
  connect(): void {
    if (this.#stopHints !== null) return;
    this.#stopHints = listenForHints(() => {
      // A hint does not outweigh what a server that drains has asked for.
      if (Date.now() >= this.#notBefore) this.retryNow();
    });
    this.#refusals = 0;
    this.#open();
  }

  /** Leave for good; `reason` where it was not one's own will. */
  close(reason: Problem | null = null): void {
    this.#attempt++;
    this.#stopHints?.();
    this.#stopHints = null;
    this.#stopTimers();
    const socket = this.#socket;
    this.#socket = null;
    this.#turn("closed", reason);
    socket?.drop(NO_CLOSE_FRAME);
  }

  /** Try again now instead of when the backoff ends; online, make sure that it is so. */
  retryNow(): void {
    if (this.#status.get().state === "waiting") this.#open();
    else this.#socket?.probe(HINT_MS);
  }

  /** Hear each event, in the order in which it came, after those who asked before. */
  on(listener: (event: Told) => void, isOurs = true): () => void {
    this.#listeners.set(listener, isOurs);
    return () => this.#listeners.delete(listener);
  }

  /** Be told after each greeting; see `Wire.onOnline`. */
  onOnline(listener: WhenOnline): () => void {
    this.#whenOnline.add(listener);
    return () => this.#whenOnline.delete(listener);
  }

  /** Send a command, once; see `Wire.command`. */
  readonly command: Wire["command"] = async (type, data) => {
    const until = Date.now() + REPLY_MS;
    if (!this.isOnline) await this.#comeOnline(until);
    if (this.#socket === null) throw lost();
    return this.#socket.command(type, data, until - Date.now());
  };

  /** Let everybody hear an event that did not come by the socket. */
  tell(event: Told): void {
    for (const [listener, isOurs] of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        // A fault of one is not the others'; what was not taken in is fetched again.
        if (isOurs) this.#owed++;
        report(error);
      }
    }
  }

  #comeOnline(until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.size >= MOST_WAITING) throw lost();
      const look = (isLate = false) => {
        const { retryAt } = this.#status.get();
        const isHopeless = isLate || this.#stopHints === null || (retryAt ?? 0) > until;
        if (!this.isOnline && !isHopeless) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        if (isHopeless) reject(lost());
        else resolve();
      };
      const timer = setTimeout(look, until - Date.now(), true);
      this.#waiting.add(look);
      look();
    });
  }

  async #open(): Promise<void> {
    const mine = ++this.#attempt;
    clearTimeout(this.#timer);
    this.#turn("connecting", this.#status.get().reason);
    try {
      const token = await this.#tokens.current();
      if (mine !== this.#attempt) return;
      this.#token = token;
      this.#socket = new Socket({
        ...this.#line,
        token,
        cursor: this.#cursor,
        onEvent: (event) => mine === this.#attempt && this.#take(event),
        onEnd: (code, reason) => mine === this.#attempt && this.#lose(code, reason),
      });
    } catch (error) {
      if (mine !== this.#attempt) return;
      const problem = Problem.of(error);
      // What a source throws may pass, unless it says that it does not.
      if (problem.retry) this.#wait(problem);
      else this.close(problem);
    }
  }

  #take(event: Told): void {
    switch (event.type) {
      case "hello":
        this.#tokens.tell(event.at);
        this.#greet(event);
        return;
      case "cursor":
        // All events before it have been heard.
        this.#cursor = event.data.cursor;
        return;
      case "resync":
        this.#owed++;
        this.tell(event);
        this.#announce();
        return;
      case "draining":
        this.#leaveAfter(event.data.reconnect_after_ms);
    }
    this.tell(event);
  }

  #greet(event: Told & { type: "hello" }): void {
    const { user_id, resumed, cursor } = event.data;
    if (this.#userId !== "" && this.#userId !== user_id) {
      this.close(new Problem("forbidden", SOMEBODY_ELSE));
      return;
    }
    this.#userId = user_id;
    this.#greetedAt = Date.now();
    this.#notBefore = 0;
    if (resumed !== true) {
      this.#owed++;
      this.#cursor = cursor;
    }
    this.#turn("online");
    this.#renewInTime();
    this.tell(event);
    this.#announce();
  }

  /** Say that commands are taken again, and have fetched what is missing. */
  #announce(): void {
    clearTimeout(this.#reload);
    const mine = this.#attempt;
    const owed = this.#owed;
    const isAnew = owed !== this.#done;
    const answers = [...this.#whenOnline].map(async (listener) => listener(isAnew));
    Promise.all(answers).then(
      () => {
        if (mine !== this.#attempt || owed !== this.#owed) return;
        this.#done = owed;
        this.#reloading.reset();
      },
      (error: unknown) => {
        if (!(error instanceof Problem)) report(error);
        if (mine !== this.#attempt || owed !== this.#owed) return;
        const problem = Problem.of(error);
        if (!problem.retry) return;
        const delay = this.#reloading.next(problem.retryAfterMs);
        this.#reload = setTimeout(() => this.#announce(), delay);
      },
    );
  }

  #lose(code: number, said: string): void {
    this.#socket = null;
    this.#stopTimers();
    if (Date.now() - this.#greetedAt > STEADY_MS && this.#greetedAt > 0) {
      this.#backoff.reset();
      this.#refusals = 0;
    }
    this.#greetedAt = 0;
    const message = said || `The connection has ended (${code}).`;
    if (code === TOKEN_EXPIRED || code === UNAUTHENTICATED) {
      const problem = new Problem("unauthenticated", message);
      // Expired may be the clock's fault; refused twice, with another token, is final.
      if (!this.#tokens.forget() || (code === UNAUTHENTICATED && ++this.#refusals > 1)) {
        this.close(problem);
      } else {
        this.#wait(problem, code === UNAUTHENTICATED);
      }
      return;
    }
    const final = FINAL[code] ?? (code >= 4500 && code < 5000 ? "invalid" : null);
    if (final) this.close(new Problem(final, message));
    else this.#wait(new Problem("offline", message));
  }

  /** Go before the server does, when it has said so, and not come back sooner. */
  #leaveAfter(ms: number): void {
    const delay = bounded(ms);
    this.#notBefore = Date.now() + delay;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#socket?.drop(GOING_AWAY), delay);
  }

  #renewInTime(atLeastMs = 0): void {
    clearTimeout(this.#renewal);
    const dueMs = this.#tokens.dueInMs();
    if (dueMs === null || !this.#tokens.canRenew) return;
    const delay = Math.min(Math.max(dueMs, atLeastMs), LONGEST_TIMER_MS);
    this.#renewal = setTimeout(() => this.#renew(), delay);
  }

  async #renew(): Promise<void> {
    const mine = this.#attempt;
    try {
      const token = await this.#tokens.current();
      if (mine !== this.#attempt) return;
      // The same again: what gives it is asked less and less often.
      if (token !== this.#token) {
        await this.#socket?.command("auth", { token });
        this.#token = token;
        this.#renewing.reset();
      }
    } catch (error) {
      // The present token holds for a while yet; when it ends, the server says so.
      const problem = Problem.of(error);
      if (mine !== this.#attempt) return;
      if (problem.code === "forbidden") return this.close(problem);
      if (problem.code === "unauthenticated") this.#tokens.forget();
    }
    if (mine === this.#attempt && this.isOnline) this.#renewInTime(this.#renewing.next(1000));
  }

  #stopTimers(): void {
    for (const timer of [this.#timer, this.#renewal, this.#reload]) clearTimeout(timer);
  }

  #turn(
    state: Status["state"],
    reason: Status["reason"] = null,
    retryAt: number | null = null,
  ): void {
    this.#status.set({ state, retryAt, reason });
    for (const look of [...this.#waiting]) look();
  }

  #wait(reason: Problem, isAtOnce = false): void {
    const atLeast = Math.max(reason.retryAfterMs ?? 0, this.#notBefore - Date.now(), 0);
    const delay = isAtOnce ? 0 : this.#backoff.next(atLeast);
    this.#turn("waiting", reason, Date.now() + delay);
    this.#timer = setTimeout(() => this.#open(), delay);
  }
}

/** Have a fault of a listener seen where uncaught ones are. */
function report(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
