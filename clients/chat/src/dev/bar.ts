import { addressAs } from "./choice.js";
import type { Person } from "./people.js";
import { de, en } from "./words.js";

type Words = typeof en | typeof de;

/** The words of the page around the chat. */
export function wordsFor(locale: string): Words {
  return locale.startsWith("de") ? de : en;
}

const HINT_KEY = "callboard.dev.hint";

/** Make an element, with children and properties. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** The bar above the chat: who one is, and how to be somebody else in a second window. */
export function bar(
  words: Words,
  people: readonly Person[],
  me: Person | undefined,
  choose: (person: Person) => void,
): HTMLElement {
  const title = make("h1", { className: "dev-title" }, words.title);
  const note = make("p", { className: "dev-note" }, words.demo);
  const header = make("header", { className: "dev-bar" }, title, note);
  if (!me) return header;
  const select = make("select", { className: "ui-select dev-who" });
  for (const each of people) {
    const option = new Option(`${each.name} · ${each.headline}`, each.id);
    option.selected = each.id === me.id;
    select.append(option);
  }
  select.addEventListener("change", () => {
    const person = people.find((each) => each.id === select.value);
    if (person) choose(person);
  });
  const label = make("label", { className: "dev-you" }, make("span", {}, words.you), select);
  header.append(label);
  return header;
}

/** What a newcomer needs to know, until they hide it; null once they have. */
export function hint(
  words: Words,
  people: readonly Person[],
  me: Person | undefined,
): HTMLElement | null {
  const other = people.find((each) => each.id !== me?.id);
  if (!other || sessionStorage.getItem(HINT_KEY) === "hidden") return null;
  const link = make(
    "a",
    { href: addressAs(other), target: "_blank", rel: "noopener" },
    words.second.replace("{name}", other.name),
  );
  const cross = make(
    "button",
    { type: "button", className: "ui-icon-button", title: words.hide, ariaLabel: words.hide },
    "×",
  );
  const text = make("p", {}, make("span", {}, `${words.help} `), link);
  const strip = make("aside", { className: "dev-hint" }, text, cross);
  strip.setAttribute("aria-label", words.demo);
  cross.addEventListener("click", () => {
    sessionStorage.setItem(HINT_KEY, "hidden");
    strip.remove();
  });
  return strip;
}
