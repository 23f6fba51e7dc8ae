/** What a push says, as `docs/push.md` describes it: all of it may be missing but the kind. */
export interface Push {
  kind: "notification" | "conversation" | "digest" | "retract";
  /** The same for all about one thing: the next takes the place of the one before. */
  tag: string;
  /** Empty where the device is to be told no words. */
  title: string;
  body: string;
  conversationId: string | null;
  seq: number | null;
  /** What is unread in all, or null where it is not said. */
  badge: number | null;
  /** When it happened, in milliseconds. */
  at: number | null;
}

const KINDS: readonly Push["kind"][] = ["notification", "conversation", "digest", "retract"];

/**
 * Read a push; null for what is none of ours.
 *
 * It comes encrypted from the server, and still is read with care: what is wrong in it is
 * left out.
 */
export function readPush(text: string): Push | null {
  const said = parsed(text);
  const kind = KINDS.find((each) => each === said?.kind);
  if (!said || !kind) return null;
  const at = Date.parse(textOf(said.at));
  return {
    kind,
    tag: textOf(said.tag),
    title: textOf(said.title),
    body: textOf(said.body),
    conversationId: textOf(said.conversation_id) || null,
    seq: numberOf(said.seq),
    badge: numberOf(said.badge),
    at: Number.isNaN(at) ? null : at,
  };
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const said: unknown = JSON.parse(text);
    return isRecord(said) ? said : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isRecord(said: unknown): said is Record<string, unknown> {
  return typeof said === "object" && said !== null;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
