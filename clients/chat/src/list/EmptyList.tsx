import type { VNode } from "preact";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import { Icon } from "../ui/Icon.js";
import type { Filter } from "./filters.js";

/** Says that there is nothing, and what one can do about it. */
export function EmptyList({ filter }: { filter: Filter }): VNode {
  const { t } = useSession();
  const go = useGo();
  return (
    <div class="ui-empty list-empty">
      <Icon name={filter === "archived" ? "archive" : filter === "unread" ? "check" : "message"} />
      <h3>{t(`list.empty.${filter}`)}</h3>
      <p>{t(`list.empty.${filter}.help`)}</p>
      {filter === "all" && (
        <>
          <Button kind="main" icon="plus" onClick={() => go({ panel: "new" })}>
            {t("shell.new")}
          </Button>
          <Button kind="quiet" onClick={() => go({ panel: "requests" })}>
            {t("shell.requests")}
          </Button>
        </>
      )}
    </div>
  );
}
