import type { Profile } from "@callboard/client";
import { usePerson } from "@callboard/client/react";
import { straight, type Translate } from "../i18n.js";
import { useSession } from "../session.js";

/** What to call somebody: their name, "…" until it is known, plain words where they are gone. */
export function nameOf(person: Profile | null | undefined, t: Translate): string {
  if (person === undefined) return "…";
  if (person === null) return t("ui.nobody");
  const name = straight(person.display_name);
  return SEEN.test(name) ? name : t("ui.somebody");
}

const SEEN = /[^\s\p{Cc}\p{Default_Ignorable_Code_Point}]/u;

/** The name of somebody, fetched where it is not known. */
export function useName(userId: string | null): string {
  const { t } = useSession();
  return nameOf(usePerson(userId), t);
}
