import { useConnections } from "@callboard/client/react";
import type { VNode } from "preact";
import { BellButton } from "../panels/BellButton.js";
import { useGo, useRoute } from "../route.js";
import { useSession } from "../session.js";
import { Badge } from "../ui/Badge.js";
import { IconButton } from "../ui/Button.js";
import { ProfileMenu } from "./ProfileMenu.js";

/** Above the list: oneself, and what opens beside it. */
export function ListHead(): VNode {
  const { me, t } = useSession();
  const { panel } = useRoute();
  const go = useGo();
  const asked = useConnections().items.filter(
    (each) => each.status === "pending" && each.recipient_id === me,
  ).length;
  const toggle = (name: "requests" | "search" | "new"): void =>
    go({ panel: panel === name ? null : name });
  return (
    <header class="shell-list-head">
      <ProfileMenu />
      <h2 class="shell-list-title">{t("list.title")}</h2>
      <BellButton />
      <IconButton
        icon="people"
        label={asked > 0 ? t("shell.requests.count", { count: asked }) : t("shell.requests")}
        aria-expanded={panel === "requests"}
        onClick={() => toggle("requests")}
      >
        <Badge count={asked} />
      </IconButton>
      <IconButton
        icon="search"
        label={t("shell.search")}
        aria-expanded={panel === "search"}
        onClick={() => toggle("search")}
      />
      <IconButton
        icon="edit"
        label={t("shell.new")}
        aria-expanded={panel === "new"}
        onClick={() => toggle("new")}
      />
    </header>
  );
}
