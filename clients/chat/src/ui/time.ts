import type { Translate } from "../i18n.js";

type When = string | number | Date;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map<string, Intl.DateTimeFormat>();

// Making a format costs more than all that it will ever do.
function format(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(locale, options);
  formats.set(key, made);
  return made;
}

/** Days between two moments, as calendars count them here. */
function daysBetween(earlier: Date, later: Date): number {
  const start = (date: Date): number =>
    Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((start(later) - start(earlier)) / DAY);
}

/** Whether two moments are on one day here. */
export function isSameDay(a: When, b: When): boolean {
  return daysBetween(new Date(a), new Date(b)) === 0;
}

/** The time of day: "14:05". */
export function clock(when: When, locale: string): string {
  return format(locale, { hour: "2-digit", minute: "2-digit" }).format(new Date(when));
}

/** The line above a day's messages: "Today", "Monday", "3 March", "3 March 2025". */
export function dayLine(when: When, locale: string, t: Translate, now: When = Date.now()): string {
  const date = new Date(when);
  const today = new Date(now);
  const days = daysBetween(date, today);
  if (days === 0) return t("ui.today");
  if (days === 1) return t("ui.yesterday");
  if (days > 1 && days < 7) return format(locale, { weekday: "long" }).format(date);
  const isThisYear = date.getFullYear() === today.getFullYear();
  return format(locale, {
    day: "numeric",
    month: "long",
    ...(isThisYear ? { weekday: "long" } : { year: "numeric" }),
  }).format(date);
}

/** As short as a list needs it: "14:05", "Yesterday", "Mon", "3 Mar", "3/3/25". */
export function brief(when: When, locale: string, t: Translate, now: When = Date.now()): string {
  const date = new Date(when);
  const today = new Date(now);
  const days = daysBetween(date, today);
  if (days <= 0) return clock(date, locale);
  if (days === 1) return t("ui.yesterday");
  if (days < 7) return format(locale, { weekday: "short" }).format(date);
  if (date.getFullYear() === today.getFullYear()) {
    return format(locale, { day: "numeric", month: "short" }).format(date);
  }
  return format(locale, { dateStyle: "short" }).format(date);
}

/** All of it, for a title: "Monday, 3 March 2025 at 14:05". */
export function fully(when: When, locale: string): string {
  return format(locale, { dateStyle: "full", timeStyle: "short" }).format(new Date(when));
}

/** How long ago: "just now", "5 minutes ago", "yesterday", then the day. */
export function ago(when: When, locale: string, t: Translate, now: When = Date.now()): string {
  const past = new Date(now).getTime() - new Date(when).getTime();
  if (past < MINUTE) return t("ui.now");
  const words = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  if (past < HOUR) return words.format(-Math.floor(past / MINUTE), "minute");
  const days = daysBetween(new Date(when), new Date(now));
  if (days === 0) return words.format(-Math.floor(past / HOUR), "hour");
  if (days < 7) return words.format(-days, "day");
  return format(locale, { dateStyle: "medium" }).format(new Date(when));
}
