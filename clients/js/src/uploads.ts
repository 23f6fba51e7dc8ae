/** Files for messages: apart from the rest, for pages that send none. */
import { Problem, problemOf, stopIfAborted } from "./errors.js";
import type { Attachment, Callboard } from "./types.js";

export interface UploadOptions {
  /** Told now and then, from 0 to 1. */
  onProgress?: (part: number) => void;
  signal?: AbortSignal;
  /** Used where there is no XMLHttpRequest, as in Node and in workers. */
  fetch?: typeof fetch;
}

type Target = { url: string; headers: Record<string, string | undefined> };

/**
 * Put a file where the readers of a conversation can get it; gives what `send` takes.
 *
 * Throws the server's problem, `offline` where the way there broke (then begin anew), and
 * the reason of `signal` where that aborts.
 */
export async function upload(
  client: Pick<Callboard, "call">,
  conversationId: string,
  file: File,
  { onProgress, signal, fetch: fetcher = fetch }: UploadOptions = {},
): Promise<Attachment> {
  const ticket = await client.call("POST /v1/conversations/{conversation_id}/uploads", {
    path: { conversation_id: conversationId },
    body: { name: file.name, mime_type: typeOf(file), size: file.size },
    ...(signal && { signal }),
  });
  onProgress?.(0);
  // Only it tells how far it is; workers and Node have none.
  const put = typeof XMLHttpRequest === "undefined" ? putByFetch(fetcher) : putByRequest;
  try {
    await put(ticket.upload, file, onProgress, signal);
  } catch (error) {
    stopIfAborted(signal);
    throw Problem.of(error);
  }
  onProgress?.(1);
  return ticket.attachment;
}

type Put = (
  target: Target,
  file: File,
  onProgress: UploadOptions["onProgress"],
  signal: AbortSignal | undefined,
) => Promise<void>;

function putByFetch(fetcher: typeof fetch): Put {
  return async ({ url, headers }, file, _, signal) => {
    const init: RequestInit = { method: "PUT", headers: given(headers), body: file };
    const answer = await fetcher(url, signal ? { ...init, signal } : init);
    const text = await answer.text();
    if (!answer.ok) throw problemOf(answer.status, answer.headers.get("Retry-After"), text);
  };
}

const putByRequest: Put = ({ url, headers }, file, onProgress, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total ? loaded / total : 0);
    request.onloadend = () => {
      signal?.removeEventListener("abort", abort);
      const { status, responseText } = request;
      if (status >= 200 && status < 300) resolve();
      // Without a status nothing was heard, or it was aborted.
      else if (status === 0) reject(new Problem("offline", "The file did not get through."));
      else reject(problemOf(status, request.getResponseHeader("Retry-After"), responseText));
    };
    request.open("PUT", url);
    for (const [name, value] of Object.entries(given(headers))) {
      request.setRequestHeader(name, value);
    }
    signal?.addEventListener("abort", abort);
    request.send(file);
  });

function given(headers: Target["headers"]): Record<string, string> {
  const known: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value) known[name] = value;
  return known;
}

/** What a file is, without parameters as `charset`, which the server does not take. */
function typeOf(file: File): string {
  return file.type.split(";")[0]?.trim().toLowerCase() || "application/octet-stream";
}
