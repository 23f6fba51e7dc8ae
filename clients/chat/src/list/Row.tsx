import type { Conversation } from "@callboard/client";
import type { VNode } from "preact";
import { memo } from "preact/compat";
import { GigState } from "../panels/GigState.js";
import { useGig } from "../panels/gig.js";
import { useSession } from "../session.js";
import { Avatar } from "../ui/Avatar.js";
import { Badge } from "../ui/Badge.js";
import { Icon } from "../ui/Icon.js";
import { brief, fully } from "../ui/time.js";
import { LatestLine } from "./LatestLine.js";
import { otherOf, useTitle } from "./title.js";

interface RowProps {
  conversation: Conversation;
  typing: readonly string[];
  isCurrent: boolean;
  /** Whether this is the one row that Tab comes to. */
  isStop: boolean;
  /** The first moment of the day, so that "Yesterday" comes by itself. */
  today: number;
  onOpen: (conversationId: string) => void;
}

/** One conversation of the list; drawn again only when it changes. */
export const Row = memo(function Row(props: RowProps): VNode {
  const { conversation, typing, isCurrent, isStop, onOpen } = props;
  const { me, t, locale } = useSession();
  const title = useTitle(conversation);
  const gig = useGig(conversation.kind === "gig" ? conversation.gig_id : null);
  const isMuted = isMutedAt(conversation.muted_until, Date.now());
  const when = conversation.last_message_at;
  const { unread } = conversation;
  return (
    <li>
      <button
        type="button"
        class={unread > 0 ? "list-row list-row-unread" : "list-row"}
        aria-current={isCurrent ? "true" : undefined}
        tabIndex={isStop ? 0 : -1}
        data-id={conversation.id}
        onClick={() => onOpen(conversation.id)}
      >
        <Face conversation={conversation} me={me} title={title} />
        <span class="list-about">
          <span class="list-top">
            <span class="list-name" dir="auto">
              {title}
            </span>
            {when && (
              <time dateTime={when} title={fully(when, locale)}>
                {brief(when, locale, t)}
              </time>
            )}
          </span>
          <span class="list-bottom">
            <LatestLine conversation={conversation} typing={typing} />
            {gig && <GigState gig={gig} />}
            {isMuted && <Mark icon="bell-off" label={t("list.muted")} />}
            {conversation.status === "archived" && (
              <Mark icon="archive" label={t("list.archived")} />
            )}
            <Badge count={unread} quiet={isMuted} />
            {unread > 0 && <span class="unseen">{t("list.unread", { count: unread })}</span>}
          </span>
        </span>
      </button>
    </li>
  );
});

function isMutedAt(until: string | null, now: number): boolean {
  return until !== null && Date.parse(until) > now;
}

function Mark({ icon, label }: { icon: "bell-off" | "archive"; label: string }): VNode {
  return (
    <span class="list-mark" title={label}>
      <Icon name={icon} />
      <span class="unseen">{label}</span>
    </span>
  );
}

function Face(props: { conversation: Conversation; me: string; title: string }): VNode {
  const { conversation, me, title } = props;
  const other = otherOf(conversation, me);
  if (other) return <Avatar userId={other} presence />;
  const icon = conversation.kind === "gig" ? "briefcase" : "people";
  return <Avatar name={title} icon={conversation.kind === "assistant" ? "message" : icon} />;
}
