import { type CallboardChat, ground, sheetOf } from "../element.js";
import { bar, hint, make, wordsFor } from "./bar.js";
import { chosenFrom, keepChoice } from "./choice.js";
import css from "./dev.css?inline";
import { fetchPeople, findPeople, NoPeople, type Person } from "./people.js";

/**
 * The page of `callboard dev`: anybody of the demonstration, in the component that any other
 * page would embed.
 */
const RETRY_MS = 4000;
const SERVICE_WORKER = "/callboard-sw.js";

let people: readonly Person[] = [];
let me: Person | undefined;
let unread = 0;
let chat = newChat();
let retry: ReturnType<typeof setTimeout> | undefined;

const head = make("div", {});
const main = make("main", { className: "dev-main" }, chat);

function newChat(): CallboardChat {
  const made = document.createElement("callboard-chat");
  made.setAttribute("history", "");
  made.setAttribute("server", location.origin);
  made.serviceWorker = SERVICE_WORKER;
  made.addEventListener("callboard-unread", (event) => {
    unread = event.detail.messages;
    drawTitle();
  });
  made.addEventListener("callboard-appearance", draw);
  return made;
}

/** Give the token that is known, and a fresh one each time after. */
function tokenOf(person: Person): () => Promise<string> {
  let known: string | null = person.token;
  return async () => {
    const token = known ?? (await fetchPeople()).find((each) => each.id === person.id)?.token;
    known = null;
    if (token === undefined) throw new NoPeople("elsewhere");
    return token;
  };
}

function become(person: Person): void {
  const isSwitch = me !== undefined;
  me = person;
  unread = 0;
  if (isSwitch) {
    // A new component: what was the former's, drawn or remembered, goes with theirs.
    const former = chat;
    chat = newChat();
    former.replaceWith(chat);
  }
  keepChoice(person, isSwitch);
  chat.directory = async (query) => findPeople(people, query, person.id);
  chat.token = tokenOf(person);
  draw();
}

function draw(): void {
  const { locale, theme } = chat.appearance;
  const words = wordsFor(locale);
  document.documentElement.lang = locale;
  document.body.dataset.theme = theme;
  const hadFocus = head.contains(document.activeElement);
  const parts = [bar(words, people, me, become), hint(words, people, me)];
  head.replaceChildren(...parts.filter((part) => part !== null));
  if (hadFocus) head.querySelector("select")?.focus();
  drawTitle();
}

function drawTitle(): void {
  const name = me ? `${me.name} – Callboard` : "Callboard";
  document.title = unread > 0 ? `(${unread}) ${name}` : name;
}

function showProblem({ reason }: NoPeople): void {
  const words = wordsFor(chat.appearance.locale);
  const box = make(
    "div",
    { className: "dev-problem", role: "alert" },
    make("p", {}, words[reason]),
  );
  if (reason === "away") {
    const button = make("button", { type: "button", className: "ui-button" }, words.retry);
    button.addEventListener("click", begin);
    box.append(button);
    retry = setTimeout(begin, RETRY_MS);
  }
  main.replaceChildren(box);
}

async function load(): Promise<void> {
  clearTimeout(retry);
  try {
    people = await fetchPeople();
  } catch (error) {
    if (!(error instanceof NoPeople)) throw error;
    showProblem(error);
    return;
  }
  const person = chosenFrom(people);
  main.replaceChildren(chat);
  if (person) become(person);
}

function begin(): void {
  void load();
}

document.adoptedStyleSheets = [ground(), sheetOf(css)];
document.body.className = "app dev";
document.body.replaceChildren(head, main);
draw();
begin();
