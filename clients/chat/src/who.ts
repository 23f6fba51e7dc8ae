import type { TokenSource } from "@callboard/client";

/**
 * The user id that a JWT names, null where it is not to be read.
 *
 * Nothing is proved by it: the server does that. It only tells a new token of the same
 * person from another person.
 */
export function subjectOf(token: TokenSource | null): string | null {
  if (typeof token !== "string") return null;
  const body = token.split(".")[1];
  if (!body) return null;
  try {
    const said: unknown = JSON.parse(atob(body.replace(/-/g, "+").replace(/_/g, "/")));
    const isRecord = typeof said === "object" && said !== null && "sub" in said;
    return isRecord && typeof said.sub === "string" ? said.sub : null;
  } catch {
    // Not a JWT that can be read here; then each token counts as another person's.
    return null;
  }
}

/** Whether a token follows on another of the same person, so that all may stay as it is. */
export function isSamePerson(before: TokenSource, after: TokenSource): boolean {
  // Frameworks make a function anew with each drawing: that alone says nothing.
  if (typeof before === "function" && typeof after === "function") return true;
  const subject = subjectOf(before);
  return before === after || (subject !== null && subject === subjectOf(after));
}
