import type { Connection } from "@callboard/client";
import { isKey, type Key } from "../i18n.js";

/** What one can do about it; `wait` is nothing, and says so by offering to withdraw. */
export type Unlock =
  | "connection.request"
  | "connection.accept"
  | "connection.withdraw"
  | "user.unblock";

/** Why one may not write, as the server says it, whichever of the two calls was asked. */
export interface Refusal {
  reason: string;
  unlock: readonly string[];
  closedBy: string | null;
}

/** What is said about it: a sentence, a second one that helps, and what unlocks it. */
export interface Explanation {
  sentence: Key;
  help: Key | null;
  action: Unlock | null;
}

/**
 * The words for a rule of `CALLBOARD_LIFECYCLE`; those for who was chosen are the same.
 * `fallback` is for a rule that a newer server has.
 */
function aboutRule(rule: string | null, fallback: Key): Key {
  const key = `why.${rule?.replace(/\.chosen$/, "")}`;
  return isKey(key) ? key : fallback;
}

/**
 * Give the keys of the words that explain a refusal.
 *
 * `link` is the newest connection of the two, where there are two: the server tells who has
 * asked only by what it does not offer.
 */
export function explain(refusal: Refusal, me: string, link: Connection | null): Explanation {
  const { reason, unlock } = refusal;
  if (reason === "blocked") {
    return unlock.includes("user.unblock")
      ? { sentence: "why.blocked.mine", help: "why.blocked.mine.help", action: "user.unblock" }
      : { sentence: "why.blocked", help: null, action: null };
  }
  if (reason === "not_connected") return explainUnconnected(unlock, me, link);
  if (reason === "gig_closed") {
    return {
      sentence: aboutRule(refusal.closedBy, "why.gig_closed"),
      help: "why.readonly.help",
      action: null,
    };
  }
  if (reason === "conversation_archived") {
    return {
      sentence: aboutRule(refusal.closedBy, "why.conversation_archived"),
      help: "why.archived.help",
      action: null,
    };
  }
  // About these nobody can do anything here.
  const key = `why.${reason}`;
  return { sentence: isKey(key) ? key : "why.other", help: null, action: null };
}

function explainUnconnected(
  unlock: readonly string[],
  me: string,
  link: Connection | null,
): Explanation {
  if (unlock.includes("connection.accept")) {
    return { sentence: "why.asked", help: null, action: "connection.accept" };
  }
  if (unlock.includes("connection.request")) {
    const isEnded = link?.status === "removed";
    return {
      sentence: isEnded ? "why.ended" : "why.not_connected",
      help: "why.not_connected.help",
      action: "connection.request",
    };
  }
  return link?.status === "pending" && link.requester_id === me
    ? { sentence: "why.waiting", help: "why.waiting.help", action: "connection.withdraw" }
    : { sentence: "why.takes_none", help: null, action: null };
}
