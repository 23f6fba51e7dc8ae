import type { Profile } from "@callboard/client";

/** A name that is being typed after an `@`, and where it stands. */
export interface Asked {
  query: string;
  from: number;
  to: number;
}

const ASKED = /(?<![A-Za-z0-9À-ɏ_.+%@-])@([\p{L}\p{N}_.-]{0,40})$/u;
const OFFERED = 8;

/** What stands right before the caret, if it may become a mention. */
export function askedAt(text: string, caret: number): Asked | null {
  const query = ASKED.exec(text.slice(0, caret))?.[1];
  return query === undefined ? null : { query, from: caret - query.length - 1, to: caret };
}

/** Those who can be meant: by handle or any word of their name, the closest first. */
export function offersFor(query: string, people: Iterable<Profile>): Profile[] {
  const sought = plain(query);
  const found: { person: Profile; rank: number }[] = [];
  for (const person of people) {
    if (person.handle === null) continue;
    const handle = plain(person.handle);
    const words = plain(person.display_name).split(/\s+/);
    const rank = handle.startsWith(sought)
      ? 0
      : words.some((word) => word.startsWith(sought))
        ? 1
        : sought.length > 1 && handle.includes(sought)
          ? 2
          : 3;
    if (rank < 3) found.push({ person, rank });
  }
  found.sort(
    (one, other) =>
      one.rank - other.rank || one.person.display_name.localeCompare(other.person.display_name),
  );
  return found.slice(0, OFFERED).map(({ person }) => person);
}

/** Put a handle where it was asked for; gives the text and where the caret goes. */
export function withMention(text: string, asked: Asked, handle: string): [string, number] {
  const before = `${text.slice(0, asked.from)}@${handle} `;
  return [before + text.slice(asked.to).replace(/^ /, ""), before.length];
}

/** Without case and accents: who types `tomas` means Tomás. */
function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
