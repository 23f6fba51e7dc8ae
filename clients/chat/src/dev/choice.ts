import type { Person } from "./people.js";

// Kept for this window alone, so that two windows are two people.
const KEY = "callboard.dev.person";

/** Who this window is: whom its address names, else whom it was before, else the first. */
export function chosenFrom(people: readonly Person[]): Person | undefined {
  const named = new URLSearchParams(location.search).get("as")?.toLocaleLowerCase();
  const before = sessionStorage.getItem(KEY);
  return (
    (named ? people.find((each) => isNamed(each, named)) : undefined) ??
    people.find((each) => each.id === before) ??
    people[0]
  );
}

function isNamed(person: Person, name: string): boolean {
  const first = person.name.split(" ", 1)[0] ?? "";
  return [person.handle, person.id, first].some((each) => each.toLocaleLowerCase() === name);
}

/** Keep who this window is, in its address too; where the former was in the chat is dropped. */
export function keepChoice(person: Person, isSwitch: boolean): void {
  sessionStorage.setItem(KEY, person.id);
  if (isSwitch) history.replaceState(null, "", addressAs(person));
}

/** The address of a window that is somebody. */
export function addressAs(person: Person): string {
  return `${location.pathname}?${new URLSearchParams({ as: person.handle })}`;
}
