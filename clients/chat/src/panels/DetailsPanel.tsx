import type { Conversation } from "@callboard/client";
import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Avatar } from "../ui/Avatar.js";
import { Button } from "../ui/Button.js";
import { Icon, type IconName } from "../ui/Icon.js";
import { Menu } from "../ui/Menu.js";
import { Panel } from "../ui/Panel.js";
import { usePresenceWords } from "../ui/Presence.js";
import { fully } from "../ui/time.js";
import { type Act, useAct } from "./act.js";
import { ConfirmDialog } from "./ConfirmDialog.js";
import { type Heading, useConversation, useHeading } from "./conversation.js";
import { Bones } from "./Empty.js";
import { GigState } from "./GigState.js";
import { isMuted, isMutedForGood, muteChoices } from "./mute.js";
import { Participants } from "./Participants.js";
import { useStanding } from "./permission.js";
import { Rename } from "./Rename.js";

/** What there is to know and to arrange about a conversation. */
export function DetailsPanel({ conversationId }: { conversationId: string }): VNode {
  const { t } = useSession();
  const conversation = useConversation(conversationId);
  const heading = useHeading(conversation);
  return (
    <Panel title={t("details.title")}>
      {conversation ? (
        <Details key={conversation.id} conversation={conversation} heading={heading} />
      ) : (
        <Bones count={3} />
      )}
    </Panel>
  );
}

interface PartProps {
  conversation: Conversation;
  heading: Heading;
}

function Details({ conversation, heading }: PartProps): VNode {
  const { me } = useSession();
  const mine = conversation.participants.find((part) => part.user_id === me);
  const isOwner = mine?.role === "owner";
  // A team's group follows its gig; a direct conversation has its two people.
  const isOwnGroup = conversation.kind === "group" && conversation.gig_id === null;
  const isGig = conversation.kind === "gig";
  const isDirect = conversation.kind === "direct";
  return (
    <>
      <Head conversation={conversation} heading={heading} />
      {(isOwnGroup || isGig) && isOwner && (
        <Rename conversation={conversation} canChooseWriters={isOwnGroup} />
      )}
      <Arranging conversation={conversation} />
      {!isDirect && (
        <Participants
          conversation={conversation}
          canAdd={isOwnGroup && isOwner}
          canRemove={(isOwnGroup || isGig) && isOwner}
          canGiveRoles={isOwnGroup && isOwner}
        />
      )}
      {(isOwnGroup || isGig) && <Leaving conversationId={conversation.id} />}
    </>
  );
}

function Head({ conversation, heading }: PartProps): VNode {
  const { t, locale } = useSession();
  const { gig, title, other, icon } = heading;
  const presence = usePresenceWords(conversation.kind === "direct" ? other : null);
  return (
    <div class="panels-about">
      <Avatar
        userId={icon ? null : other}
        name={title}
        size="large"
        {...(icon ? { icon } : { presence: true })}
      />
      <h3 class="panels-profile-name" dir="auto">
        {title}
      </h3>
      {presence && <p class="ui-hint">{presence}</p>}
      {gig && (
        <p class="panels-about-gig">
          <span>{t(`gig.kind.${gig.kind}`)}</span>
          <GigState gig={gig} />
        </p>
      )}
      <dl class="panels-facts">
        {gig?.starts_at && (
          <Fact name={t("details.gig.starts")}>{fully(gig.starts_at, locale)}</Fact>
        )}
        {gig?.deadline && (
          <Fact name={t("details.gig.deadline")}>{fully(gig.deadline, locale)}</Fact>
        )}
        {conversation.read_only_at && (
          <Fact name={t("details.gig.readonly")}>{fully(conversation.read_only_at, locale)}</Fact>
        )}
      </dl>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** What one arranges for oneself: search, mute, archive. */
function Arranging({ conversation }: { conversation: Conversation }): VNode {
  const { client, t, locale } = useSession();
  const go = useGo();
  const { act, isBusy } = useAct();
  const { id, muted_until: until } = conversation;
  const standing = useStanding({ conversationId: id });
  const arrange = arranging(act, (change) => client.conversations.arrange(id, change));
  const isArchived = conversation.status === "archived";
  const isForAll = standing?.refusal?.reason === "conversation_archived";
  const muted = isMutedForGood(until) ? t("details.mute.always") : "";
  const told = isMuted(until)
    ? muted || t("details.mute.on", { when: fully(until ?? "", locale) })
    : t("details.mute.off");
  return (
    <div class="panels-arranging">
      <Line icon="search" label={t("details.search")}>
        <Button size="small" onClick={() => go({ panel: "search" })}>
          {t("search.title")}
        </Button>
      </Line>
      <Line icon={isMuted(until) ? "bell-off" : "bell"} label={t("details.mute")} under={told}>
        {isMuted(until) ? (
          <Button
            size="small"
            disabled={isBusy}
            onClick={() => arrange({ muted_until: null }, t("mute.undone"))}
          >
            {t("head.unmute")}
          </Button>
        ) : (
          <Menu
            label={t("mute.title")}
            trigger={t("head.mute")}
            triggerClass="ui-button ui-button-plain ui-button-small"
            entries={muteChoices(t, (when) => arrange({ muted_until: when }, t("mute.done")))}
          />
        )}
      </Line>
      {!isForAll && (
        <Line icon={isArchived ? "unarchive" : "archive"} label={t("details.archive")}>
          <Button
            size="small"
            disabled={isBusy}
            onClick={() =>
              isArchived
                ? arrange({ status: "active" }, t("details.unarchived"))
                : arrange({ status: "archived" }, t("details.archived"))
            }
          >
            {t(isArchived ? "details.unarchive" : "details.archive")}
          </Button>
        </Line>
      )}
    </div>
  );
}

type Change = Parameters<ReturnType<typeof useSession>["client"]["conversations"]["arrange"]>[1];

function arranging(act: Act, work: (change: Change) => Promise<void>) {
  return (change: Change, done: string): void => void act(() => work(change), done);
}

interface LineProps {
  icon: IconName;
  label: string;
  under?: string;
  children: ComponentChildren;
}

function Line({ icon, label, under, children }: LineProps): VNode {
  return (
    <div class="panels-line">
      <Icon name={icon} />
      <span class="panels-line-words">
        <span>{label}</span>
        {under && <span class="ui-hint">{under}</span>}
      </span>
      {children}
    </div>
  );
}

function Leaving({ conversationId }: { conversationId: string }): VNode {
  const { client, me, t } = useSession();
  const go = useGo();
  const [isSure, setSure] = useState(false);
  const leave = async (): Promise<void> => {
    await client.call("DELETE /v1/conversations/{conversation_id}/participants/{user_id}", {
      path: { conversation_id: conversationId, user_id: me },
    });
    go({ conversationId: null, panel: null });
  };
  return (
    <div class="panels-leave">
      <Button kind="danger" icon="leave" onClick={() => setSure(true)}>
        {t("details.leave")}
      </Button>
      {isSure && (
        <ConfirmDialog
          title={t("details.leave.sure")}
          help={t("details.leave.help")}
          label={t("details.leave.do")}
          onConfirm={leave}
          onClose={() => setSure(false)}
        />
      )}
    </div>
  );
}
