import { expect, test } from "vitest";
import { translator } from "../src/i18n.js";
import { ago, brief, dayLine } from "../src/ui/time.js";

const t = translator("en-GB");
const now = new Date(2026, 2, 11, 0, 30);

test("a day is the calendar's, not 24 hours", () => {
  expect(dayLine(new Date(2026, 2, 11, 0, 10), "en-GB", t, now)).toBe("Today");
  expect(dayLine(new Date(2026, 2, 10, 23, 50), "en-GB", t, now)).toBe("Yesterday");
  expect(dayLine(new Date(2026, 2, 6), "en-GB", t, now)).toBe("Friday");
  expect(dayLine(new Date(2025, 2, 6), "en-GB", t, now)).toBe("6 March 2025");
});

test("a list says when as shortly as it can", () => {
  expect(brief(new Date(2026, 2, 11, 0, 5), "en-GB", t, now)).toBe("00:05");
  expect(brief(new Date(2026, 2, 10, 23, 50), "en-GB", t, now)).toBe("Yesterday");
  expect(brief(new Date(2026, 1, 1), "en-GB", t, now)).toBe("1 Feb");
});

test("what is long ago has a date", () => {
  expect(ago(now.getTime() - 20_000, "en-GB", t, now)).toBe("just now");
  expect(ago(now.getTime() - 5 * 60_000, "en-GB", t, now)).toBe("5 minutes ago");
  expect(ago(new Date(2025, 0, 3), "en-GB", t, now)).toBe("3 Jan 2025");
});
