import { useUnread } from "@callboard/client/react";
import type { VNode } from "preact";
import { useSession } from "../session.js";
import { Badge } from "../ui/Badge.js";
import { FILTERS, type Filter } from "./filters.js";

interface FiltersProps {
  filter: Filter;
  onChoose: (filter: Filter) => void;
}

/** Which conversations are shown. */
export function Filters({ filter, onChoose }: FiltersProps): VNode {
  const { t } = useSession();
  const waiting = useUnread().conversations;
  return (
    <fieldset class="list-filters">
      <legend class="unseen">{t("list.show")}</legend>
      {FILTERS.map((each) => (
        <button
          key={each}
          type="button"
          class="list-filter"
          aria-pressed={each === filter}
          onClick={() => onChoose(each)}
        >
          {t(`list.filter.${each}`)}
          {each === "unread" && <Badge count={waiting} quiet={each === filter} />}
        </button>
      ))}
    </fieldset>
  );
}
