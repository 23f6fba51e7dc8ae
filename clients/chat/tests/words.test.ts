import { describe, expect, test } from "vitest";
import { chooseLocale, isKey, translator, type Word } from "../src/i18n.js";
import * as list from "../src/list/words.js";
import * as panels from "../src/panels/words.js";
import * as shell from "../src/shell/words.js";
import * as thread from "../src/thread/words.js";
import * as ui from "../src/ui/words.js";

const FOLDERS = { list, panels, shell, thread, ui };

function variablesOf(word: Word): string[] {
  const text = typeof word === "string" ? word : word.other;
  return [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? "").sort();
}

describe("words", () => {
  for (const [name, words] of Object.entries(FOLDERS)) {
    test(`${name}: German has the keys of English, and fills in all that English does`, () => {
      const en: Record<string, Word> = words.en;
      const de: Record<string, Word> = words.de;
      expect(Object.keys(de)).toEqual(Object.keys(en));
      for (const [key, word] of Object.entries(en)) {
        const other = de[key];
        expect(other, key).toBeTruthy();
        expect(variablesOf(other ?? ""), key).toEqual(expect.arrayContaining(variablesOf(word)));
      }
    });
  }

  test("no key is in two folders", () => {
    const keys = Object.values(FOLDERS).flatMap((words) => Object.keys(words.en));
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("a plural form and numbers are the language's own", () => {
    const t = translator("de-DE");
    expect(t("list.unread", { count: 1 })).toBe("1 ungelesene Nachricht");
    expect(t("list.unread", { count: 12_345 })).toBe("12.345 ungelesene Nachrichten");
  });

  test("the first wish that there are words for is taken, with its region", () => {
    expect(chooseLocale(["fr-FR", "de-AT", "en"])).toBe("de-AT");
    expect(chooseLocale(["not a tag", "ar"])).toBe("en");
  });

  test("what a server names is a key only if it is one", () => {
    expect(isKey("problem.blocked")).toBe(true);
    expect(isKey("toString")).toBe(false);
  });
});
