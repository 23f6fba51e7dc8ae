/**
 * What somebody wrote, in pieces: plain text, links, mentions.
 *
 * Text of people is never HTML; the view makes elements of these pieces.
 */
export type Segment =
  | { kind: "text"; text: string }
  | { kind: "link"; text: string; href: string }
  | { kind: "mention"; text: string; userId: string };

const LINK = /\bhttps?:\/\/[^\s<>"'`\p{Cc}]+/giu;
// As the server finds them (storage/sql/3_edits.sql).
const MENTION = /(?<![A-Za-z0-9À-ɏ_.+%@-])@([A-Za-z0-9_][A-Za-z0-9_.-]*)/gu;

/**
 * Cut a text into pieces.
 *
 * `handles` gives, in lower case, the handles of those whom the server says are mentioned.
 */
export function segmentsOf(body: string, handles: ReadonlyMap<string, string>): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const found of body.matchAll(LINK)) {
    const text = withoutTail(found[0]);
    const href = safeAddress(text);
    if (href === null) continue;
    segments.push(...withMentions(body.slice(at, found.index), handles));
    segments.push({ kind: "link", text, href });
    at = found.index + text.length;
  }
  segments.push(...withMentions(body.slice(at), handles));
  return segments;
}

/** Whether a text is one to three emoji and nothing else, which are shown large. */
export function isOnlyEmoji(body: string): boolean {
  const text = body.trim();
  if (text.length === 0 || text.length > 40) return false;
  const signs = [...graphemes.segment(text)].filter(({ segment }) => segment.trim() !== "");
  return signs.length <= 3 && signs.every(({ segment }) => EMOJI.test(segment));
}

/** One emoji out of what somebody typed or pasted; null where there is none. */
export function emojiOf(text: string): string | null {
  for (const { segment } of graphemes.segment(text.slice(0, 200))) {
    if (EMOJI.test(segment)) return segment;
  }
  return null;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const EMOJI =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3)/u;

function withMentions(text: string, handles: ReadonlyMap<string, string>): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  if (handles.size > 0) {
    for (const found of text.matchAll(MENTION)) {
      const handle = (found[1] ?? "").replace(/\.+$/, "");
      const userId = handles.get(handle.toLowerCase());
      if (userId === undefined) continue;
      if (found.index > at) segments.push({ kind: "text", text: text.slice(at, found.index) });
      segments.push({ kind: "mention", text: `@${handle}`, userId });
      at = found.index + 1 + handle.length;
    }
  }
  if (at < text.length) segments.push({ kind: "text", text: text.slice(at) });
  return segments;
}

/** Leave to the sentence what ends it: dots, and brackets that were not opened in the link. */
function withoutTail(link: string): string {
  let text = link;
  for (;;) {
    const last = text.at(-1);
    if (last === undefined) return text;
    if (".,;:!?…*_~".includes(last)) text = text.slice(0, -1);
    else if (last === ")" && count(text, ")") > count(text, "(")) text = text.slice(0, -1);
    else if (last === "]" && count(text, "]") > count(text, "[")) text = text.slice(0, -1);
    else return text;
  }
}

function count(text: string, sign: string): number {
  return text.split(sign).length - 1;
}

function safeAddress(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isWeb = url.protocol === "https:" || url.protocol === "http:";
  return isWeb && url.hostname !== "" ? url.href : null;
}
