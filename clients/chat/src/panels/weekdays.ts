/** The days of a week, as the server names them. */
export const DAYS = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;

export type Day = (typeof DAYS)[number];

// A Monday.
const FIRST = Date.UTC(2024, 0, 1);
const DAY = 86_400_000;

/** What a day of the week is called. */
export function weekdayName(day: Day, locale: string): string {
  const words = new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" });
  return words.format(FIRST + DAYS.indexOf(day) * DAY);
}
