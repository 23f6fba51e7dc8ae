/**
 * What somebody wrote, in pieces: plain text, links, mentions.
 *
 * Text of people is never HTML; the view makes elements of these pieces.
 */
export type Segment =
  | { kind: "text"; text: string }
  | { kind: "link"; text: string; href: string }
  | { kind: "mention"; text: string; userId: string };

// What turns the direction of writing, or is not seen, ends it: it would show another address.
const LINK = /\bhttps?:\/\/[^\s<>"'`\p{Cc}\p{Bidi_C}\u200b\u2060\ufeff]+/giu;
// As the server finds them (storage/sql/3_edits.sql).
const MENTION = /(?<![A-Za-z0-9À-ɏ_.+%@-])@([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?)/gu;

/**
 * Cut a text into pieces.
 *
 * `handles` gives, in lower case, the handles of those whom the server says are mentioned.
 */
export function segmentsOf(body: string, handles: ReadonlyMap<string, string>): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const found of body.matchAll(LINK)) {
    const written = withoutTail(found[0]);
    const href = safeAddress(written);
    if (href === null) continue;
    segments.push(...withMentions(body.slice(at, found.index), handles));
    segments.push({ kind: "link", text: isPlain(written) ? written : href, href });
    at = found.index + written.length;
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
      const handle = found[1] ?? "";
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
  // How many brackets are closed without having been opened.
  const loose = new Map([
    [")", count(link, ")") - count(link, "(")],
    ["]", count(link, "]") - count(link, "[")],
  ]);
  let end = link.length;
  for (; end > 0; end--) {
    const last = link.charAt(end - 1);
    const left = loose.get(last) ?? 0;
    if (left > 0) loose.set(last, left - 1);
    else if (!".,;:!?…*_~".includes(last)) break;
  }
  return link.slice(0, end);
}

function count(text: string, sign: string): number {
  return text.split(sign).length - 1;
}

function safeAddress(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isWeb = url.protocol === "https:" || url.protocol === "http:";
  // A name before the host is only ever there to be taken for it.
  const isBare = url.username === "" && url.password === "";
  return isWeb && isBare && url.hostname !== "" ? url.href : null;
}

/**
 * Whether the host looks like what it is: in Latin letters of everyday, or in no Latin at all.
 *
 * Others could be taken for another's (`аррӏе.com`); they are shown as the browser asks for them.
 */
function isPlain(link: string): boolean {
  const host = /^\w+:\/+([^/?#\\]*)/.exec(link)?.[1] ?? "";
  return /^[\w.:[\]ß-öø-ÿ-]*$/i.test(host) || /^(?:(?![A-Za-z])[\p{L}\p{M}\p{N}.:-])*$/u.test(host);
}
