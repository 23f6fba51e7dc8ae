import type { Attachment, Callboard } from "@callboard/client";
import { Draft } from "./draft.js";

/** What is kept of a draft over a reload. */
export interface Kept {
  body: string;
  replySeq: number | null;
  edit: { id: string; body: string } | null;
  attachments: readonly Attachment[];
  /** When it was written last, in milliseconds since 1970. */
  at: number;
}

const PREFIX = "callboard.draft";
/** What nobody has come back to for so long is forgotten. */
const KEPT_MS = 30 * 24 * 3600_000;
/** Uploads that were not sent within a day are gone from the server. */
const UPLOADS_KEPT_MS = 23 * 3600_000;

/**
 * What one is writing, for each conversation: kept on this device until it is sent.
 *
 * Drafts are kept under the id of who writes them: the next person on this device does not
 * see them.
 */
export class Drafts {
  readonly #userId: string;
  readonly #drafts = new Map<string, Draft>();

  constructor(userId: string) {
    this.#userId = userId;
    forgetOld();
  }

  /** The drafts of the person of a client; the same object each time. */
  static of(client: Callboard, userId: string): Drafts {
    const known = ofClients.get(client) ?? new Drafts(userId);
    ofClients.set(client, known);
    return known;
  }

  /** The draft for a conversation; the same object each time. */
  in(conversationId: string): Draft {
    const known = this.#drafts.get(conversationId);
    if (known !== undefined) return known;
    const name = `${PREFIX}.${this.#userId}.${conversationId}`;
    const draft = new Draft(read(name), (kept) => write(name, kept));
    this.#drafts.set(conversationId, draft);
    return draft;
  }
}

const ofClients = new WeakMap<Callboard, Drafts>();

function read(name: string): Kept | null {
  const text = storage()?.getItem(name) ?? null;
  if (text === null) return null;
  const kept = parse(text);
  if (kept === null) return null;
  const isFresh = Date.now() - kept.at < UPLOADS_KEPT_MS;
  return { ...kept, attachments: isFresh ? kept.attachments : [] };
}

function write(name: string, kept: Kept | null): void {
  try {
    if (kept === null) storage()?.removeItem(name);
    else storage()?.setItem(name, JSON.stringify(kept));
  } catch (error) {
    // A full or closed storage costs the draft only at a reload: it stays in memory.
    if (!(error instanceof DOMException)) throw error;
  }
}

/** Null where the browser lends none, as in some private windows and sandboxes. */
function storage(): Storage | null {
  try {
    return globalThis.localStorage;
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}

function forgetOld(): void {
  const kept = storage();
  if (kept === null) return;
  const names = Array.from({ length: kept.length }, (_, index) => kept.key(index));
  for (const name of names) {
    if (name === null || !name.startsWith(`${PREFIX}.`)) continue;
    const draft = parse(kept.getItem(name) ?? "");
    if (draft === null || Date.now() - draft.at > KEPT_MS) kept.removeItem(name);
  }
}

/** Read what was kept; null for what some other version, or somebody else, wrote there. */
function parse(text: string): Kept | null {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (!isRecord(found) || typeof found.body !== "string" || typeof found.at !== "number") {
    return null;
  }
  const { body, at, replySeq, edit, attachments } = found;
  const isEdit = isRecord(edit) && typeof edit.id === "string" && typeof edit.body === "string";
  return {
    body,
    at,
    replySeq: typeof replySeq === "number" ? replySeq : null,
    edit: isEdit ? { id: String(edit.id), body: String(edit.body) } : null,
    attachments: Array.isArray(attachments) ? attachments.filter(isAttachment) : [],
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isAttachment(value: unknown): value is Attachment {
  return (
    isRecord(value) &&
    typeof value.url === "string" &&
    typeof value.name === "string" &&
    typeof value.mime_type === "string" &&
    typeof value.size === "number"
  );
}
