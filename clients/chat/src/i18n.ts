import * as list from "./list/words.js";
import * as panels from "./panels/words.js";
import * as shell from "./shell/words.js";
import * as thread from "./thread/words.js";
import * as ui from "./ui/words.js";

/** One text, or one for each plural form, told by the variable `count`. */
export type Word =
  | string
  | Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>;

/** What each folder's `words.ts` gives in each language. */
export type Words = Readonly<Record<string, Word>>;

const WORDS = {
  en: { ...ui.en, ...shell.en, ...list.en, ...thread.en, ...panels.en },
  de: { ...ui.de, ...shell.de, ...list.de, ...thread.de, ...panels.de },
};

export type Key = keyof (typeof WORDS)["en"];
export type Language = keyof typeof WORDS;
export type Vars = Readonly<Record<string, string | number>>;

/** The text of a key, with `{name}` filled in; numbers as the language writes them. */
export type Translate = (key: Key, vars?: Vars) => string;

export const LANGUAGES = Object.keys(WORDS).filter(isLanguage);

/** Each language in its own words, for the menu. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  en: "English",
  de: "Deutsch",
};

function isLanguage(code: string): code is Language {
  return code in WORDS;
}

/** The first wish that there are words for, as it was given; English otherwise. */
export function chooseLocale(wishes: readonly string[]): string {
  for (const wish of wishes) {
    const [tag] = canonical(wish);
    if (tag && isLanguage(languageOf(tag))) return tag;
  }
  return "en";
}

function canonical(tag: string): string[] {
  try {
    return Intl.getCanonicalLocales(tag);
  } catch {
    // Not a language tag at all: the page's mistake, which no reader should pay for.
    return [];
  }
}

function languageOf(locale: string): string {
  return locale.split("-", 1)[0] ?? locale;
}

/** Make the translator for a locale that `chooseLocale` gave. */
export function translator(locale: string): Translate {
  const language = languageOf(locale);
  const words: Readonly<Record<Key, Word>> = WORDS[isLanguage(language) ? language : "en"];
  const plurals = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  return (key, vars = {}) => {
    const word = words[key];
    const count = Number(vars.count);
    const text = typeof word === "string" ? word : (word[plurals.select(count)] ?? word.other);
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = vars[name];
      if (value === undefined) return whole;
      return typeof value === "number" ? numbers.format(value) : straight(value);
    });
  };
}

/**
 * What somebody has written, to stand among other words: without what turns the direction of
 * writing, which would turn those words too. The direction of its own letters is theirs.
 */
export function straight(text: string): string {
  return text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "");
}

/** Whether a text is a key, for texts that are named by what the server says. */
export function isKey(text: string): text is Key {
  return Object.hasOwn(WORDS.en, text);
}
