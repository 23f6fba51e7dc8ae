import { Problem, problemOf, stopIfAborted } from "./errors.js";
import type { Tokens } from "./tokens.js";
import type { CallOptions, Calls } from "./types.js";

const PATIENCE_MS = 30_000;

type Answer = { status: number; retryAfter: string | null; text: string };

/** Calls the HTTP API as one person. */
export class Http {
  readonly #url: string;
  readonly #tokens: Tokens;
  readonly #fetch: typeof fetch;

  constructor(url: string, tokens: Tokens, fetcher: typeof fetch) {
    this.#url = url;
    this.#tokens = tokens;
    this.#fetch = fetcher;
  }

  /**
   * Call, with a new token once where the present one is refused.
   *
   * Throws a problem: the server's, or `offline` where it could not be reached within half
   * a minute. Where `signal` aborts, its reason is thrown.
   */
  async call<K extends keyof Calls>(
    what: K,
    options: CallOptions<K> = {},
  ): Promise<Calls[K]["answer"]> {
    const [method = "GET", path = ""] = what.split(" ");
    const url = this.#url + fill(path, options.path ?? {}) + queryOf(options.query ?? {});
    const ask = async (isLast: boolean): Promise<Answer> => {
      const token = await this.#tokens.current().catch(fail);
      const answer = await this.#ask(method, url, token, options);
      const isRefused = answer.status === 401 && !isLast && this.#tokens.forget(token);
      return isRefused ? ask(true) : answer;
    };
    const answer = await ask(false);
    if (answer.status >= 400) throw problemOf(answer.status, answer.retryAfter, answer.text);
    try {
      return answer.text === "" ? null : JSON.parse(answer.text);
    } catch (cause) {
      throw new Problem("internal", "The server's answer cannot be read.", { cause });
    }
  }

  async #ask(
    method: string,
    url: string,
    token: string,
    { body, signal }: { body?: unknown; signal?: AbortSignal },
  ): Promise<Answer> {
    stopIfAborted(signal);
    const ending = new AbortController();
    const abort = () => ending.abort(signal?.reason);
    const timer = setTimeout(() => ending.abort(), PATIENCE_MS);
    signal?.addEventListener("abort", abort);
    try {
      const headers: Record<string, string> = {
        Accept: "application/json",
        Authorization: `Bearer ${token}`,
      };
      if (body !== undefined) headers["Content-Type"] = "application/json";
      const answer = await this.#fetch(url, {
        method,
        headers,
        // Nothing here leads elsewhere: the token and what is said stay with this server.
        redirect: "error",
        body: body === undefined ? null : JSON.stringify(body),
        signal: ending.signal,
      });
      const text = await answer.text();
      return { status: answer.status, retryAfter: answer.headers.get("Retry-After"), text };
    } catch (error) {
      stopIfAborted(signal);
      throw Problem.of(error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }
}

/** Put values into the `{…}` of a path. */
function fill(path: string, values: Record<string, string>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    // An empty or dotted part would make it the path of another call.
    if (value === undefined || /^\.{0,2}$/.test(value)) {
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

function fail(error: unknown): never {
  throw Problem.of(error);
}
