import type { ThreadState } from "@callboard/client";
import { useEffect, useRef, useState } from "preact/hooks";
import { useSession } from "../session.js";
import { nameOf } from "../ui/people.js";

/** So much of a message is read out by itself; the rest is there to be gone to. */
const HEARD_CHARS = 300;
const HEARD_MS = 5000;

/** What a screen reader is told of messages that others write while the thread is open. */
export function useAnnouncement(state: ThreadState): string {
  const { t, me, client } = useSession();
  const [text, setText] = useState("");
  const heard = useRef<number | null>(null);
  const { messages, isLoaded, hasNewer, conversation } = state;
  useEffect(() => {
    if (!isLoaded) return;
    const last = Math.max(messages.at(-1)?.seq ?? 0, conversation?.last_seq ?? 0);
    const before = heard.current;
    heard.current = Math.max(before ?? 0, last);
    if (before === null || hasNewer) return;
    const fresh = messages.filter((each) => each.seq > before && each.sender_id !== me);
    const only = fresh[0];
    if (only === undefined) return;
    if (fresh.length > 1) {
      setText(t("thread.announce.many", { count: fresh.length }));
      return;
    }
    const files = t("thread.row.files", { count: only.attachments.length });
    const body = only.body.slice(0, HEARD_CHARS) || files;
    const person = only.sender_id === null ? null : client.people.get().get(only.sender_id);
    setText(
      only.kind === "system" ? body : t("thread.announce", { name: nameOf(person, t), text: body }),
    );
  }, [messages, isLoaded, hasNewer, conversation, me, client, t]);
  useEffect(() => {
    // Once heard it is gone, also for who would find it by reading on.
    if (text === "") return;
    const timer = setTimeout(() => setText(""), HEARD_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return text;
}
