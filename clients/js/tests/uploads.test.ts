import { afterEach, expect, test, vi } from "vitest";
import type { Calls } from "../src/types.js";
import { upload } from "../src/uploads.js";
import { ROOM } from "./scripted.js";

const TICKET: Calls["POST /v1/conversations/{conversation_id}/uploads"]["answer"] = {
  id: "u",
  upload: {
    method: "PUT",
    url: "https://files.example/put",
    headers: { "Content-Type": "text/plain", "If-None-Match": "*" },
    expires_at: "2026-11-21T12:00:00.000Z",
  },
  attachment: { url: "https://chat.example/v1/uploads/u", name: "n", mime_type: "t", size: 2 },
};
const FILE = new File(["Hi"], "note.txt", { type: "Text/Plain;charset=UTF-8" });

const asked = vi.fn();
const wire = {
  call: async (what: string, options: unknown): Promise<never> => {
    asked(what, options);
    // The one answer of the one call that an upload makes.
    return TICKET as never;
  },
};
const put = vi.fn<typeof fetch>();

/** A browser's request, whose course a test decides. */
class ScriptedRequest {
  static last: ScriptedRequest;
  readonly headers: Record<string, string> = {};
  readonly upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
  onloadend: () => void = () => undefined;
  status = 0;
  responseText = "";
  sent: unknown = null;
  target = "";

  constructor() {
    ScriptedRequest.last = this;
  }

  open(method: string, url: string): void {
    this.target = `${method} ${url}`;
  }

  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }

  getResponseHeader(): string | null {
    return null;
  }

  send(body: unknown): void {
    this.sent = body;
  }

  end(status: number): void {
    this.status = status;
    this.onloadend();
  }

  abort(): void {
    this.end(0);
  }
}

async function begun(options = {}) {
  vi.stubGlobal("XMLHttpRequest", ScriptedRequest);
  const attachment = upload(wire, ROOM, FILE, { fetch: put, ...options });
  // A rejection is looked at by the test, once it has caused it.
  attachment.catch(() => undefined);
  await vi.waitFor(() => expect(ScriptedRequest.last?.sent).toBe(FILE));
  return { attachment, request: ScriptedRequest.last };
}

afterEach(() => {
  vi.unstubAllGlobals();
  asked.mockReset();
  put.mockReset();
});

test("a file is announced without parameters of its type, then put as the server says", async () => {
  put.mockResolvedValue(new Response(null, { status: 204 }));
  await expect(upload(wire, ROOM, FILE, { fetch: put })).resolves.toEqual(TICKET.attachment);
  expect(asked).toHaveBeenCalledWith("POST /v1/conversations/{conversation_id}/uploads", {
    path: { conversation_id: ROOM },
    body: { name: "note.txt", mime_type: "text/plain", size: 2 },
  });
  expect(put).toHaveBeenCalledWith("https://files.example/put", {
    method: "PUT",
    headers: TICKET.upload.headers,
    body: FILE,
  });
});

test("a file without a type is bytes", async () => {
  put.mockResolvedValue(new Response(null, { status: 204 }));
  await upload(wire, ROOM, new File(["x"], "x"), { fetch: put });
  expect(asked.mock.lastCall?.[1].body.mime_type).toBe("application/octet-stream");
});

test("a browser tells how far it is", async () => {
  const onProgress = vi.fn();
  const { attachment, request } = await begun({ onProgress });
  expect(request.target).toBe("PUT https://files.example/put");
  expect(request.headers).toEqual(TICKET.upload.headers);
  request.upload.onprogress?.({ loaded: 1, total: 2 });
  request.end(204);
  await expect(attachment).resolves.toEqual(TICKET.attachment);
  expect(onProgress.mock.calls).toEqual([[0], [0.5], [1]]);
});

test("a place that refuses is a problem, one that is not there is offline", async () => {
  const refused = await begun();
  refused.request.responseText = JSON.stringify({ code: "too_large", detail: "Too much." });
  refused.request.end(413);
  await expect(refused.attachment).rejects.toMatchObject({ code: "too_large" });
  const lost = await begun();
  lost.request.end(0);
  await expect(lost.attachment).rejects.toMatchObject({ code: "offline" });
  vi.unstubAllGlobals();
  put.mockRejectedValue(new TypeError("fetch failed"));
  await expect(upload(wire, ROOM, FILE, { fetch: put })).rejects.toMatchObject({ code: "offline" });
  put.mockResolvedValue(new Response("<Error/>", { status: 403 }));
  await expect(upload(wire, ROOM, FILE, { fetch: put })).rejects.toMatchObject({
    code: "forbidden",
  });
});

test("who aborts is given their own reason", async () => {
  const ending = new AbortController();
  const { attachment } = await begun({ signal: ending.signal });
  ending.abort("enough");
  await expect(attachment).rejects.toBe("enough");
});
