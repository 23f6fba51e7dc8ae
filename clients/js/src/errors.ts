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
  408: "unavailable",
  409: "conflict",
  413: "too_large",
  429: "rate_limited",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

/** A refusal by the server, or a fault on the way to it. */
export class Problem extends Error implements CallboardProblem {
  readonly code: string;
  readonly retry: boolean;
  readonly retryAfterMs: number | null;
  readonly details: Readonly<Record<string, unknown>>;

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
    super(message, { cause: more.cause });
    this.name = "CallboardProblem";
    this.code = code;
    this.retry = more.retry ?? PASSING.has(code);
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.details = more.details ?? {};
  }

  /** Make one of what an `error` frame says, or of what was stored. */
  static from(refusal: Refusal): Problem {
    return new Problem(refusal.code, refusal.message, {
      retry: refusal.retry,
      retryAfterMs: refusal.retry_after_ms,
      details: refusal.details,
    });
  }

  /** Take any error for a problem: what is none came from the way to the server. */
  static of(error: unknown): Problem {
    if (error instanceof Problem) return error;
    return new Problem("offline", "The server cannot be reached.", { cause: error });
  }
}

/** Write a problem as it travels, to be stored. */
export function refusalOf(problem: CallboardProblem): Refusal {
  return {
    code: problem.code,
    message: problem.message,
    retry: problem.retry,
    retry_after_ms: problem.retryAfterMs,
    details: problem.details,
  };
}

/** Read a refusal over HTTP: `application/problem+json`, or what somebody in between said. */
export function problemOf(status: number, retryAfter: string | null, body: string): Problem {
  const said = read(body);
  const code = typeof said.code === "string" ? said.code : CODES[status];
  const seconds = Number(retryAfter ?? Number.NaN);
  return new Problem(
    code ?? (status < 500 ? "invalid" : "internal"),
    typeof said.detail === "string" ? said.detail : `The server answered ${status}.`,
    {
      retryAfterMs:
        typeof said.retry_after_ms === "number"
          ? said.retry_after_ms
          : Number.isFinite(seconds)
            ? seconds * 1000
            : null,
      details: isRecord(said.details) ? said.details : {},
    },
  );
}

function read(body: string): Record<string, unknown> {
  try {
    const said: unknown = JSON.parse(body);
    return isRecord(said) ? said : {};
  } catch {
    // A page of a proxy; the status says enough.
    return {};
  }
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
