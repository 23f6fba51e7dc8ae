import type { Translate } from "../i18n.js";
import type { MenuItem } from "../ui/Menu.js";

// As far as anybody waits; the server keeps a moment, never "for ever".
const ALWAYS = "9000-01-01T00:00:00.000Z";
const HOUR = 3_600_000;
// When a morning begins to which one puts things off.
const MORNING = 8;

/** Whether a conversation is muted now. */
export function isMuted(until: string | null | undefined): boolean {
  return Boolean(until && Date.parse(until) > Date.now());
}

/** Whether it is muted until one says otherwise. */
export function isMutedForGood(until: string | null): boolean {
  return until !== null && Date.parse(until) - Date.now() > 50 * 365 * 24 * HOUR;
}

/** A moment in so many hours. */
export function inHours(hours: number): string {
  return new Date(Date.now() + hours * HOUR).toISOString();
}

/** Tomorrow morning, here. */
export function tomorrow(): string {
  const then = new Date();
  then.setDate(then.getDate() + 1);
  then.setHours(MORNING, 0, 0, 0);
  return then.toISOString();
}

/** How long one may mute something, for a menu. */
export function muteChoices(t: Translate, choose: (until: string) => void): MenuItem[] {
  return [
    { label: t("mute.hour"), onSelect: () => choose(inHours(1)) },
    { label: t("mute.eight"), onSelect: () => choose(inHours(8)) },
    { label: t("mute.tomorrow"), onSelect: () => choose(tomorrow()) },
    { label: t("mute.week"), onSelect: () => choose(inHours(7 * 24)) },
    { label: t("mute.always"), onSelect: () => choose(ALWAYS) },
  ];
}
