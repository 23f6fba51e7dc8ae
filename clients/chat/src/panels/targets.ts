import type { Callboard, Notification } from "@callboard/client";
import type { Route } from "../route.js";

/** Where a notification leads within the chat; null where it leads nowhere here. */
export async function targetOf(
  client: Callboard,
  notification: Notification,
): Promise<Partial<Route> | null> {
  const { conversation_id, gig_id, related_user_id, related_connection_id } = notification;
  if (conversation_id) return { conversationId: conversation_id, panel: null };
  if (notification.type === "connection_request" && related_connection_id) {
    const links = client.connections.get().items;
    const link = links.find((each) => each.id === related_connection_id);
    if (!link || link.status === "pending" || !related_user_id) return { panel: "requests" };
  }
  if (gig_id) {
    const found = await client.call("GET /v1/conversations", { query: { gig_id, limit: 1 } });
    const [first] = found.items;
    if (first) return { conversationId: first.id, panel: null };
  }
  return related_user_id ? { userId: related_user_id, panel: null } : null;
}
