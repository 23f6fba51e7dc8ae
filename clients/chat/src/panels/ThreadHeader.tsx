import type { Conversation } from "@callboard/client";
import { useConnections } from "@callboard/client/react";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useGo, useRoute } from "../route.js";
import { useSession } from "../session.js";
import { Avatar } from "../ui/Avatar.js";
import { IconButton } from "../ui/Button.js";
import { Icon } from "../ui/Icon.js";
import { Menu, type MenuEntry } from "../ui/Menu.js";
import { usePresenceWords } from "../ui/Presence.js";
import { useName } from "../ui/people.js";
import { dayLine } from "../ui/time.js";
import { useAct } from "./act.js";
import { BlockDialog } from "./ConfirmDialog.js";
import { type Heading, useConversation, useHeading } from "./conversation.js";
import { GigState } from "./GigState.js";
import { isMuted, muteChoices } from "./mute.js";
import { useStanding } from "./permission.js";
import { ReportDialog, type Reported } from "./ReportDialog.js";

/** Who or what a thread is with, how that stands, and what can be done about it. */
export function ThreadHeader({ conversationId }: { conversationId: string }): VNode {
  const { t } = useSession();
  const go = useGo();
  const { panel } = useRoute();
  const conversation = useConversation(conversationId);
  const heading = useHeading(conversation);
  const toggle = (wanted: "details" | "search"): void =>
    go({ panel: panel === wanted ? null : wanted });
  return (
    <div class="panels-head">
      <button type="button" class="panels-head-who" onClick={() => toggle("details")}>
        <Avatar
          userId={heading.icon ? null : heading.other}
          name={heading.title}
          {...(heading.icon ? { icon: heading.icon } : {})}
          presence={!heading.icon}
        />
        <span class="panels-head-words">
          <span class="panels-head-title">
            <h2>
              <bdi>{heading.title}</bdi>
            </h2>
            {isMuted(conversation?.muted_until) && (
              <span class="panels-head-muted" title={t("head.muted")}>
                <Icon name="bell-off" />
                <span class="unseen">{t("head.muted")}</span>
              </span>
            )}
          </span>
          <span class="panels-head-second">
            {heading.gig && <GigState gig={heading.gig} />}
            {conversation && <Under conversation={conversation} heading={heading} />}
          </span>
        </span>
      </button>
      <IconButton
        icon="search"
        label={t("head.search")}
        aria-pressed={panel === "search"}
        onClick={() => toggle("search")}
      />
      {conversation && <Doing conversation={conversation} heading={heading} />}
    </div>
  );
}

interface Part {
  conversation: Conversation;
  heading: Heading;
}

/** The line below the title: the thread's end, who is there, or who takes part. */
function Under({ conversation, heading }: Part): VNode | null {
  const { t, locale } = useSession();
  const presence = usePresenceWords(conversation.kind === "direct" ? heading.other : null);
  const at = conversation.read_only_at;
  const words: string[] = [];
  if (at) {
    const when = dayLine(at, locale, t);
    words.push(t(Date.parse(at) <= Date.now() ? "head.readonly" : "head.closes", { when }));
  }
  if (conversation.kind === "direct") words.push(presence);
  else if (heading.other && heading.names) words.push(t("head.with", { name: heading.names }));
  else words.push(t("head.members", { count: conversation.participant_count }));
  const text = words.filter(Boolean).join(" · ");
  return text ? <span class="panels-head-under">{text}</span> : null;
}

/** The menu: what one can do about a thread and who is in it. */
function Doing({ conversation, heading }: Part): VNode {
  const { client, me, t } = useSession();
  const go = useGo();
  const { act } = useAct();
  const [dialog, setDialog] = useState<"block" | Reported | null>(null);
  const { blocked } = useConnections();
  const name = useName(heading.other);
  const standing = useStanding({ conversationId: conversation.id });
  const { other, gig } = heading;
  const arrange = (change: Parameters<typeof client.conversations.arrange>[1], done: string) =>
    void act(() => client.conversations.arrange(conversation.id, change), done);
  const mute = (until: string | null): void =>
    arrange({ muted_until: until }, t(until ? "mute.done" : "mute.undone"));

  const entries: MenuEntry[] = [
    { label: t("head.details"), icon: "info", onSelect: () => go({ panel: "details" }) },
    { label: t("head.search"), icon: "search", onSelect: () => go({ panel: "search" }) },
  ];
  const isArchived = conversation.status === "archived";
  if (isArchived && standing?.refusal?.reason !== "conversation_archived") {
    const onSelect = (): void => arrange({ status: "active" }, t("details.unarchived"));
    entries.push({ label: t("details.unarchive"), icon: "unarchive", onSelect });
  } else if (!isArchived) {
    const onSelect = (): void => arrange({ status: "archived" }, t("details.archived"));
    entries.push({ label: t("details.archive"), icon: "archive", onSelect });
  }
  entries.push({ line: true });
  if (isMuted(conversation.muted_until)) {
    entries.push({ label: t("head.unmute"), icon: "bell", onSelect: () => mute(null) });
  } else {
    entries.push({ title: t("mute.title") }, ...muteChoices(t, mute));
  }
  // Whose side the gig is on does not report it.
  const isTheirs = conversation.participants.some(
    (part) => part.user_id === me && part.role === "owner",
  );
  const gigOfOthers: Reported | null = gig && !isTheirs ? { kind: "gig", id: gig.id } : null;
  const about: Reported | null = other ? { kind: "user", id: other, name } : gigOfOthers;
  if (about) {
    entries.push({ line: true });
    entries.push({ label: t("head.report"), icon: "flag", onSelect: () => setDialog(about) });
  }
  if (other && blocked.has(other)) {
    const done = t("requests.unblocked.done", { name });
    const onSelect = (): void => void act(() => client.connections.unblock(other), done);
    entries.push({ label: t("head.unblock"), icon: "block", onSelect });
  } else if (other) {
    const onSelect = (): void => setDialog("block");
    entries.push({ label: t("head.block"), icon: "block", danger: true, onSelect });
  }
  const close = (): void => setDialog(null);
  return (
    <>
      <Menu label={t("head.menu")} entries={entries} />
      {dialog === "block" && other && <BlockDialog userId={other} name={name} onClose={close} />}
      {dialog !== null && dialog !== "block" && <ReportDialog about={dialog} onClose={close} />}
    </>
  );
}
