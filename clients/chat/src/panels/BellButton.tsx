import { useStore } from "@callboard/client/react";
import type { VNode } from "preact";
import { useGo, useRoute } from "../route.js";
import { useSession } from "../session.js";
import { Badge } from "../ui/Badge.js";
import { IconButton } from "../ui/Button.js";

/** Opens the notifications, and says how many are unread. */
export function BellButton(): VNode {
  const { client, t } = useSession();
  const go = useGo();
  const { panel } = useRoute();
  const count = useStore(client.unread, (unread) => unread.notifications);
  const isOpen = panel === "notifications";
  return (
    <IconButton
      icon="bell"
      label={count > 0 ? t("bell.unread", { count }) : t("bell.label")}
      aria-pressed={isOpen}
      onClick={() => go({ panel: isOpen ? null : "notifications" })}
    >
      <Badge count={count} />
    </IconButton>
  );
}
