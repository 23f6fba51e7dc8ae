import type { Message } from "@callboard/client";
import { usePeople } from "@callboard/client/react";
import type { VNode } from "preact";
import { memo } from "preact/compat";
import { useMemo } from "preact/hooks";
import { useSession } from "../session.js";
import { isOnlyEmoji, segmentsOf } from "./segments.js";

const NOBODY: ReadonlyMap<string, string> = new Map();

interface BodyProps {
  message: Pick<Message, "body" | "mentions">;
  /** Whether its links are reached by Tab: those of the message that has the focus. */
  isCurrent: boolean;
}

/** What a message says; written by somebody, so it is text and nothing else. */
export const Body = memo(function Body({ message, isCurrent }: BodyProps): VNode {
  if (message.mentions.length > 0) {
    return <WithMentions message={message} isCurrent={isCurrent} />;
  }
  return <Text body={message.body} handles={NOBODY} isCurrent={isCurrent} />;
});

function WithMentions({ message, isCurrent }: BodyProps): VNode {
  const people = usePeople(message.mentions);
  const handles = useMemo(() => {
    const found = new Map<string, string>();
    for (const [id, person] of people) {
      if (person?.handle) found.set(person.handle.toLowerCase(), id);
    }
    return found;
  }, [people]);
  return <Text body={message.body} handles={handles} isCurrent={isCurrent} />;
}

interface TextProps {
  body: string;
  handles: ReadonlyMap<string, string>;
  isCurrent: boolean;
}

function Text({ body, handles, isCurrent }: TextProps): VNode {
  const { me } = useSession();
  const segments = useMemo(() => segmentsOf(body, handles), [body, handles]);
  return (
    <span class={isOnlyEmoji(body) ? "thread-text thread-text-large" : "thread-text"}>
      {segments.map((segment) => {
        if (segment.kind === "text") return segment.text;
        if (segment.kind === "mention") {
          const isMe = segment.userId === me;
          return (
            <span class={isMe ? "thread-mention thread-mention-me" : "thread-mention"}>
              {segment.text}
            </span>
          );
        }
        return (
          <a
            // Whatever stands before it: an address is never shown turned round.
            dir="ltr"
            href={segment.href}
            target="_blank"
            rel="noopener noreferrer nofollow ugc"
            tabIndex={isCurrent ? 0 : -1}
          >
            {segment.text}
          </a>
        );
      })}
    </span>
  );
}
