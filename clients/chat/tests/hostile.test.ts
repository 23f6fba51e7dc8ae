/** What people write to look like something else. */
import { describe, expect, test } from "vitest";
import { straight, translator } from "../src/i18n.js";
import { segmentsOf } from "../src/thread/segments.js";
import { nameOf } from "../src/ui/people.js";

const NOBODY = new Map<string, string>();
const RLO = "\u202e";

function linksIn(body: string): string[][] {
  return segmentsOf(body, NOBODY).flatMap((each) =>
    each.kind === "link" ? [[each.text, each.href]] : [],
  );
}

describe("links", () => {
  test.each([
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example",
    "https://",
    "https://paypal.com@evil.example/login",
    "https://user:word@evil.example",
    `https://paypal.com${RLO}@moc.elgoog`.replace(RLO, "%40@"),
  ])("%s is none", (body) => {
    expect(linksIn(body)).toEqual([]);
  });

  test.each([
    [`https://evil.example/${RLO}gpj.exe`, "https://evil.example/"],
    ["https://evil.example\u2066.paypal.com", "https://evil.example"],
    ["https://evil.example\u200b.paypal.com", "https://evil.example"],
  ])("%j ends where it would turn or hide", (body, text) => {
    expect(linksIn(body).map(([shown]) => shown)).toEqual([text]);
  });

  test.each([
    ["https://аррӏе.com/", "https://xn--80ak6aa92e.com/"],
    ["https://evil.example\u2044paypal.com", "https://evil.xn--examplepaypal-966g.com/"],
    ["https://gıthub.com/x", "https://xn--gthub-n4a.com/x"],
    ["https://paypal.com\u3002evil.example/", "https://paypal.com.evil.example/"],
  ])("%s shows where it leads", (body, shown) => {
    expect(linksIn(body)).toEqual([[shown, shown]]);
  });

  test.each([
    "https://müller.example/straße",
    "https://правительство.рф/",
    "https://例え.テスト/",
    "http://localhost:8000/x?y=(z)#k",
    "http://[::1]:8000/",
    "HTTPS://Example.com/А",
  ])("%s stays as it was written", (body) => {
    expect(linksIn(body).map(([shown]) => shown)).toEqual([body]);
  });

  test("brackets belong to the sentence that opened them", () => {
    expect(linksIn("(see https://x.example/a_(b)), [https://x.example/c].")).toEqual([
      ["https://x.example/a_(b)", "https://x.example/a_(b)"],
      ["https://x.example/c", "https://x.example/c"],
    ]);
  });

  test.each([
    `https://x/${")".repeat(7900)}`,
    `https://x/${"]".repeat(7900)}`,
    `@a${".".repeat(7900)}a`,
    "https://".repeat(1000),
  ])("of 8000 characters none takes long: %#", (body) => {
    const began = performance.now();
    segmentsOf(body, new Map([["a", "1"]]));
    expect(performance.now() - began).toBeLessThan(700);
  });
});

describe("names", () => {
  const person = { id: "1", handle: null, avatar_url: null, headline: null, role: null };
  const t = translator("en");

  test("a name does not turn the words around it", () => {
    expect(nameOf({ ...person, display_name: `${RLO}Ada\u2067` }, t)).toBe("Ada");
    expect(t("list.typing.one", { name: `${RLO}Ada` })).toBe(t("list.typing.one", { name: "Ada" }));
    expect(straight("نور حداد")).toBe("نور حداد");
  });

  test.each(["\u200b\u2060", "\u3164", " \u00ad ", `${RLO}`])("%j is no name", (name) => {
    expect(nameOf({ ...person, display_name: name }, t)).toBe(t("ui.somebody"));
  });
});
