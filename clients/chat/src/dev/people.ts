import type { Profile } from "@callboard/client";

/** Somebody of the demonstration, and a token to be them. */
export interface Person {
  id: string;
  handle: string;
  name: string;
  headline: string;
  token: string;
}

/** Why there are no people: this is not the server's machine, or it does not answer. */
export class NoPeople extends Error {
  constructor(readonly reason: "elsewhere" | "away") {
    super(reason);
    this.name = "NoPeople";
  }
}

/**
 * Fetch the people of the demonstration.
 *
 * Throws NoPeople where the server lends them to nobody here, or is not there.
 */
export async function fetchPeople(): Promise<Person[]> {
  const answer = await fetch("/dev/people").catch(() => null);
  if (answer === null || answer.status >= 500) throw new NoPeople("away");
  if (!answer.ok) throw new NoPeople("elsewhere");
  const said: unknown = await answer.json();
  const items = typeof said === "object" && said !== null && "items" in said ? said.items : null;
  if (!Array.isArray(items) || items.length === 0) throw new NoPeople("away");
  return items.filter(isPerson);
}

function isPerson(item: unknown): item is Person {
  if (typeof item !== "object" || item === null) return false;
  const texts = new Map(Object.entries(item));
  return ["id", "handle", "name", "headline", "token"].every(
    (name) => typeof texts.get(name) === "string",
  );
}

/** The people that a text finds, as the chat's directory wants them. */
export function findPeople(people: readonly Person[], query: string, but: string): Profile[] {
  const wanted = query.trim().toLocaleLowerCase();
  return people
    .filter((each) => each.id !== but)
    .filter(({ name, handle, headline }) =>
      [name, handle, headline].some((text) => text.toLocaleLowerCase().includes(wanted)),
    )
    .map(({ id, name, handle, headline }) => ({
      id,
      display_name: name,
      handle,
      avatar_url: null,
      headline,
      role: null,
    }));
}
