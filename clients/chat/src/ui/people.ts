import type { Profile } from "@callboard/client";
import { usePerson } from "@callboard/client/react";
import type { Translate } from "../i18n.js";
import { useSession } from "../session.js";

/** What to call somebody: their name, "…" until it is known, plain words where they are gone. */
export function nameOf(person: Profile | null | undefined, t: Translate): string {
  if (person === undefined) return "…";
  return person === null ? t("ui.nobody") : person.display_name || t("ui.somebody");
}

/** The name of somebody, fetched where it is not known. */
export function useName(userId: string | null): string {
  const { t } = useSession();
  return nameOf(usePerson(userId), t);
}
