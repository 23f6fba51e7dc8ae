import { Connection } from "./connection.js";
import { ConnectionStore } from "./connections.js";
import { ConversationStore } from "./conversations.js";
import { InboxStore } from "./inbox.js";
import { Myself } from "./me.js";
import { PeopleStore } from "./people.js";
import { PresenceStore } from "./presence.js";
import { threadsOf } from "./threads.js";
import type { Callboard, Options } from "./types.js";

/**
 * Make a client: one person's connection, and everything that they see.
 *
 * It does nothing until `connect`, but for calls and what one subscribes to. For another
 * person make another one. Throws `invalid` where an option is of no use.
 */
export function createCallboard(options: Options): Callboard {
  const wire = new Connection(options);
  // In the order in which they hear: what others ask about comes first.
  const conversations = new ConversationStore(wire);
  const thread = threadsOf(wire, conversations, options.windowSize);
  const myself = new Myself(wire, conversations);
  const notifications = new InboxStore(wire, (unread) =>
    myself.unread.patch({ notifications: unread }),
  );
  const { me, unread } = myself;
  return {
    status: wire.status,
    me,
    unread,
    conversations,
    notifications,
    connections: new ConnectionStore(wire),
    people: new PeopleStore(wire),
    presence: new PresenceStore(wire),
    thread,
    async openDirect(userId) {
      const { id } = await wire.call("POST /v1/conversations", {
        body: { kind: "direct", user_ids: [userId] },
      });
      return thread(id);
    },
    permissions: (userId) =>
      wire.call("GET /v1/users/{user_id}/permissions", { path: { user_id: userId } }),
    search: (q, { conversationId, next, limit, signal } = {}) =>
      wire.call("GET /v1/messages/search", {
        query: { q, conversation_id: conversationId, next, limit },
        signal,
      }),
    // After everything of ours, which has been listening since it was made.
    on: (listener) => wire.on(listener, false),
    command: wire.command,
    call: wire.call,
    connect: () => wire.connect(),
    close() {
      wire.close();
      myself.close();
      notifications.close();
    },
    retryNow: () => wire.retryNow(),
  };
}
