import { useStore } from "@callboard/client/react";
import { useEffect, useRef } from "preact/hooks";
import { useGo, useRoute } from "../route.js";
import { useSession } from "../session.js";
import type { Shown } from "./messages.js";
import { closeRead, keepPush } from "./push.js";

/**
 * Speaks with the service worker while the chat is open: says which conversation is shown,
 * goes where a pressed notification leads, and keeps this device registered.
 *
 * Draws nothing. One of it belongs into each session.
 */
export function PushWatch(): null {
  const session = useSession();
  const { conversationId } = useRoute();
  const go = useGo();
  const shown = useRef(conversationId);
  shown.current = conversationId;

  useEffect(() => {
    // Asked for without need, it throws in a frame that may do nothing.
    if (session.options.serviceWorker === null) return;
    const { serviceWorker } = navigator;
    if (!serviceWorker) return;
    const keep = (): void => void keepPush(session).catch(untilNextTime);
    const hear = (event: MessageEvent<unknown>): void => {
      const { callboard, conversationId: wanted } = wordsOf(event.data);
      if (callboard === "shown") {
        const answer: Shown = { conversationId: shown.current };
        event.ports[0]?.postMessage(answer);
      } else if (callboard === "subscription") {
        keep();
      } else if (callboard === "open") {
        if (wanted) go({ conversationId: wanted, panel: null });
        else go({ panel: "notifications" });
      }
    };
    serviceWorker.addEventListener("message", hear);
    serviceWorker.startMessages();
    keep();
    return () => serviceWorker.removeEventListener("message", hear);
  }, [session, go]);

  useReadAway();
  return null;
}

/** What was pushed and is read by now, here or elsewhere, is shown no more. */
function useReadAway(): void {
  const session = useSession();
  const { messages, notifications } = useStore(session.client.unread);
  const before = useRef(messages);

  useEffect(() => {
    const isLess = messages < before.current;
    before.current = messages;
    if (!isLess) return;
    const { items } = session.client.conversations.get();
    const read = new Set(items.filter(({ unread }) => unread === 0).map(({ id }) => id));
    closeRead(session, (id) => read.has(id)).catch(untilNextTime);
  }, [session, messages]);

  useEffect(() => {
    if (!("setAppBadge" in navigator)) return;
    // Only apps that are installed have a badge; elsewhere it is refused.
    navigator.setAppBadge(messages + notifications).catch(untilNextTime);
  }, [messages, notifications]);

  useEffect(() => {
    if (!("clearAppBadge" in navigator)) return;
    // What waits for one person is nothing to the next.
    return () => void navigator.clearAppBadge().catch(untilNextTime);
  }, []);
}

/** What a browser or the server refuses in the background is tried again by itself. */
function untilNextTime(error: unknown): void {
  const isRefusal = error instanceof Error && error.name === "CallboardProblem";
  if (!isRefusal && !(error instanceof DOMException)) throw error;
}

function wordsOf(data: unknown): { callboard: unknown; conversationId: string | null } {
  if (typeof data !== "object" || data === null || !("callboard" in data)) {
    return { callboard: null, conversationId: null };
  }
  const wanted = "conversationId" in data ? data.conversationId : null;
  return { callboard: data.callboard, conversationId: typeof wanted === "string" ? wanted : null };
}
