/**
 * What can go wrong, as one class with the codes of the contract.
 *
 * Two codes are the client's own: `offline` where nothing was heard from the server, so
 * that what became of a command is unknown, and `closed` where the client has ended.
 */
import type { CallboardProblem, Refusal } from "./types.js";

// The same call may succeed later, unchanged.
const PASSING = new Set(["rate_limited", "unavailable", "offline"]);
// What answers that come from no Callboard (a proxy's) mean.
const CODES: Readonly<Record<number, string>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  413: "too_large",
  429: "rate_limited",
  500: "internal",
};

/** More is on its way than can be kept. */
export const TOO_MUCH = "Too much is waiting.";
/** A client is one person's. */
export const SOMEBODY_ELSE = "This is somebody else: make a new client.";

/** A refusal by the server, or a fault on the way to it. */
export class Problem extends Error implements CallboardProblem {
  declare readonly code: string;
  declare readonly retry: boolean;
  declare readonly retryAfterMs: number | null;
  declare readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message = code,
    more: {
      retry?: boolean;
      retryAfterMs?: number | null;
      details?: Record<string, unknown>;
      cause?: unknown;
    } = {},
  ) {
    super(message, more);
    this.name = "CallboardProblem";
    this.code = code;
    this.retry = more.retry ?? PASSING.has(code);
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.details = more.details ?? {};
  }

  /** Make one of what an `error` frame says, or of what was stored. */
  static from(refusal: Refusal): Problem {
    return new Problem(refusal.code, refusal.message, {
      ...refusal,
      retryAfterMs: refusal.retry_after_ms,
    });
  }

  /** Take any error for a problem: what is none came from the way to the server. */
  static of(error: unknown): Problem {
    if (error instanceof Problem) return error;
    return new Problem("offline", "No connection to the server.", { cause: error });
  }
}

/** Write a problem as it travels, to be stored. */
export function refusalOf(problem: CallboardProblem): Refusal {
  const { code, message, retry, retryAfterMs: retry_after_ms, details } = problem;
  return { code, message, retry, retry_after_ms, details };
}

/** Read a refusal over HTTP: `application/problem+json`, or what somebody in between said. */
export function problemOf(status: number, retryAfter: string | null, body: string): Problem {
  const { code, detail, retry_after_ms, details } = recordOf(() => body);
  const meant = CODES[status] ?? (status < 500 ? "invalid" : "unavailable");
  const waitMs = Number(retry_after_ms ?? Number(retryAfter ?? Number.NaN) * 1000);
  return new Problem(String(code ?? meant), String(detail ?? `The server answered ${status}.`), {
    retryAfterMs: Number.isFinite(waitMs) ? waitMs : null,
    details: isRecord(details) ? details : {},
  });
}

/** Read an object of JSON; empty where it is none. */
export function recordOf(text: () => string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(text());
    if (isRecord(read)) return read;
  } catch {
    // Not what it should be, as the page of a proxy: there is nothing to be learnt from it.
  }
  return {};
}

/** Whether something is an object of JSON. */
export function isRecord(what: unknown): what is Record<string, unknown> {
  return typeof what === "object" && what !== null && !Array.isArray(what);
}

/** Throw why a signal has aborted, where it has; React Native's does not say it itself. */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw signal.reason ?? Object.assign(new Error("Aborted."), { name: "AbortError" });
}
