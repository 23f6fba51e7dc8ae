import type { Conversation, Message } from "@callboard/client";
import { usePeople, usePerson, useStore } from "@callboard/client/react";
import type { VNode } from "preact";
import type { Translate } from "../i18n.js";
import { useSession } from "../session.js";
import { Drafts } from "../thread/drafts.js";
import { Icon } from "../ui/Icon.js";
import { nameOf } from "../ui/people.js";

interface LatestLineProps {
  conversation: Conversation;
  /** Who is typing there. */
  typing: readonly string[];
}

// A line shows no more of a text, whatever its length.
const SHOWN = 160;

/** Below the title: who is typing, else one's draft, else the latest message. */
export function LatestLine({ conversation, typing }: LatestLineProps): VNode {
  const { client, me, t } = useSession();
  const draft = useStore(Drafts.of(client, me).in(conversation.id), (writing) => writing.body);
  if (typing.length > 0) return <TypingLine conversation={conversation} typing={typing} />;
  const written = draft.trim();
  if (written) {
    return (
      <span class="list-latest">
        <b class="list-who list-draft">{t("list.draft")}</b>
        <span dir="auto">{oneLine(written)}</span>
      </span>
    );
  }
  return <MessageLine conversation={conversation} />;
}

function TypingLine({ conversation, typing }: LatestLineProps): VNode {
  const { t } = useSession();
  const isDirect = conversation.kind === "direct";
  const people = usePeople(isDirect ? [] : typing.slice(0, 1));
  const name = nameOf(people.get(typing[0] ?? ""), t);
  const words = isDirect
    ? t("list.typing")
    : typing.length > 1
      ? t("list.typing.several", { count: typing.length })
      : t("list.typing.one", { name });
  return (
    <span class="list-latest list-typing">
      <span>{words}</span>
    </span>
  );
}

function MessageLine({ conversation }: { conversation: Conversation }): VNode {
  const { me, t } = useSession();
  const message = conversation.last_message;
  const isNamed = conversation.kind !== "direct" && message?.sender_id !== me;
  const sender = usePerson(isNamed && message?.kind === "text" ? message.sender_id : null);
  if (!message) {
    return (
      <span class="list-latest">
        <span>{t("list.nothingYet")}</span>
      </span>
    );
  }
  const files = message.attachments;
  const who =
    message.kind === "system"
      ? null
      : message.sender_id === me
        ? t("list.own")
        : sender
          ? t("list.by", { name: firstName(nameOf(sender, t)) })
          : null;
  return (
    <span class="list-latest">
      {who && <span class="list-who">{who}</span>}
      {message.deleted_at ? (
        <i>{t("list.deleted")}</i>
      ) : (
        <>
          {files.length > 0 && <Icon name="attach" />}
          <span dir="auto">{textOf(message, t)}</span>
        </>
      )}
    </span>
  );
}

function textOf(message: Message, t: Translate): string {
  if (message.body) return oneLine(message.body);
  const names = message.attachments.map((file) => String(file.name ?? t("list.file")));
  return oneLine(names.join(", "));
}

function oneLine(text: string): string {
  return text.slice(0, SHOWN).replace(/\s+/g, " ");
}

function firstName(name: string): string {
  return name.split(" ", 1)[0] ?? name;
}
