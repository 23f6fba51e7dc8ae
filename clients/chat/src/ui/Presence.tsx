import { usePresence } from "@callboard/client/react";
import type { VNode } from "preact";
import { useSession } from "../session.js";
import { ago } from "./time.js";

/** A dot for whether somebody is there, with words for who cannot see it; nothing if unknown. */
export function Presence({ userId }: { userId: string }): VNode | null {
  const { t } = useSession();
  const entry = usePresence([userId]).get(userId);
  if (!entry) return null;
  const words = t(`ui.presence.${entry.status}`);
  return (
    <span class={`ui-presence ui-presence-${entry.status}`} title={words}>
      <span class="unseen">{words}</span>
    </span>
  );
}

/** "online", or when they were last there; empty if unknown. */
export function usePresenceWords(userId: string | null): string {
  const { t, locale } = useSession();
  const entry = usePresence(userId ? [userId] : []).get(userId ?? "");
  if (!entry) return "";
  if (entry.status !== "offline" || !entry.last_seen_at) return t(`ui.presence.${entry.status}`);
  return t("ui.presence.lastSeen", { when: ago(entry.last_seen_at, locale, t) });
}
