import { Problem, problemOf, stopIfAborted } from "./errors.js";
import type { Tokens } from "./tokens.js";
import type { Wire } from "./wire.js";

const JSON_TYPE = "application/json";
const PATIENCE_MS = 30_000;

/**
 * Give what calls the HTTP API as one person, with a new token once where one is refused.
 *
 * It throws a problem: the server's, or `offline` where that could not be reached within half
 * a minute. Where `signal` aborts, its reason is thrown.
 */
export function callerOf(url: string, tokens: Tokens, fetcher: typeof fetch): Wire["call"] {
  const ask = async (
    target: string,
    headers: Record<string, string>,
    init: RequestInit,
    isLast = false,
  ): Promise<string> => {
    const token = await tokens.current();
    headers.Authorization = `Bearer ${token}`;
    const answer = await fetcher(target, { ...init, headers: { ...headers } });
    const text = await answer.text();
    const { status } = answer;
    if (status < 400) return text;
    if (status === 401 && !isLast && tokens.forget(token)) {
      return ask(target, headers, init, true);
    }
    throw problemOf(status, answer.headers.get("Retry-After"), text);
  };
  return async (what, { path = {}, query = {}, body, signal } = {}) => {
    const [method, rest = ""] = what.split(" ");
    const target = url + fill(rest, path) + queryOf(query);
    stopIfAborted(signal);
    const ending = new AbortController();
    const abort = () => ending.abort();
    const timer = setTimeout(abort, PATIENCE_MS);
    signal?.addEventListener("abort", abort);
    try {
      const headers: Record<string, string> = { Accept: JSON_TYPE };
      if (body) headers["Content-Type"] = JSON_TYPE;
      const text = await ask(target, headers, {
        method,
        // Nothing here leads elsewhere: the token and what is said stay with this server.
        redirect: "error",
        body: body ? JSON.stringify(body) : null,
        signal: ending.signal,
      });
      return text ? read(text) : null;
    } catch (error) {
      stopIfAborted(signal);
      throw Problem.of(error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  };
}

function read<T>(text: string): T {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem("internal", "The server's answer cannot be read.", { cause });
  }
}

/** Put values into the `{…}` of a path. */
function fill(path: string, values: Record<string, string>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? "";
    // An empty or dotted part would make it the path of another call.
    if (/^\.{0,2}$/.test(value)) {
      throw new Problem("invalid", `The path needs ${name}.`);
    }
    return encodeURIComponent(value);
  });
}

function queryOf(query: object): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== null)
    // Lists go between commas.
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}
