import { Cell, type Store } from "@callboard/client";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { chooseLocale } from "../i18n.js";

export type Theme = "auto" | "light" | "dark";

/** What the host page gives by attributes; null where it leaves the choice. */
export interface Given {
  theme: string | null;
  lang: string | null;
}

export interface Settings {
  theme: Theme;
  locale: string;
}

const THEME_KEY = "callboard.theme";
const LANGUAGE_KEY = "callboard.language";

/**
 * How the chat looks and in which language: the reader's choice, else the host page's, else
 * the browser's. A choice is kept in this browser for whoever sits at it; it tells nothing.
 */
export class Appearance implements Store<Settings> {
  readonly #settings: Cell<Settings>;
  #given: Given;

  constructor(given: Given) {
    this.#given = given;
    this.#settings = new Cell(this.#decide());
  }

  readonly get = (): Settings => this.#settings.get();
  readonly subscribe = (listener: () => void): (() => void) => this.#settings.subscribe(listener);

  /** The host page's attributes have changed. */
  follow(given: Given): void {
    this.#given = given;
    this.#settings.set(this.#decide());
  }

  chooseTheme(theme: Theme): void {
    keep(THEME_KEY, theme);
    this.#settings.update((now) => ({ ...now, theme }));
  }

  chooseLanguage(language: string): void {
    keep(LANGUAGE_KEY, language);
    this.#settings.set(this.#decide());
  }

  #decide(): Settings {
    const { theme, lang } = this.#given;
    const chosen = kept(LANGUAGE_KEY);
    const wishes = [chosen, lang].filter((wish) => wish !== null);
    const locale = chooseLocale([...wishes, ...navigator.languages]);
    return {
      theme: asTheme(kept(THEME_KEY)) ?? asTheme(theme) ?? "auto",
      locale,
    };
  }
}

function asTheme(name: string | null): Theme | null {
  return name === "auto" || name === "light" || name === "dark" ? name : null;
}

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    // Forbidden by the browser's settings: there is nothing kept then.
    return null;
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Forbidden or full: the choice holds until the page is left.
  }
}

export const AppearanceContext = createContext<Appearance | null>(null);

/** How the chat looks, and what changes it. */
export function useAppearance(): Appearance {
  const appearance = useContext(AppearanceContext);
  if (!appearance) throw new Error("useAppearance outside of a chat");
  return appearance;
}
