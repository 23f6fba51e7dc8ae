import type { Conversation } from "@callboard/client";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import { Dialog } from "../ui/Dialog.js";
import { Menu, type MenuEntry } from "../ui/Menu.js";
import { useName } from "../ui/people.js";
import { useAct } from "./act.js";
import { ConfirmDialog } from "./ConfirmDialog.js";
import { Choosing } from "./NewGroup.js";
import { PersonRow } from "./PersonRow.js";
import { ReportDialog } from "./ReportDialog.js";
import { useParticipants } from "./useParticipants.js";

interface Rights {
  canAdd: boolean;
  canRemove: boolean;
  canGiveRoles: boolean;
}

type Participant = Conversation["participants"][number];

const ONE = "/v1/conversations/{conversation_id}/participants/{user_id}";

/** Who takes part, as what, and who of them is there. */
export function Participants(props: Rights & { conversation: Conversation }): VNode {
  const { t } = useSession();
  const { conversation, canAdd } = props;
  const { people, hasMore, more } = useParticipants(conversation);
  const { act, isBusy } = useAct();
  const [isAdding, setAdding] = useState(false);
  return (
    <section class="panels-participants">
      <header class="panels-section panels-section-with">
        <h3>{t("details.people", { count: conversation.participant_count })}</h3>
        {canAdd && (
          <Button size="small" kind="quiet" icon="person-add" onClick={() => setAdding(true)}>
            {t("details.add")}
          </Button>
        )}
      </header>
      <ul class="panels-people panels-people-close">
        {people.map((each) => (
          <Row key={each.user_id} participant={each} {...props} />
        ))}
      </ul>
      {hasMore && (
        <div class="panels-more">
          <Button disabled={isBusy} onClick={() => void act(more)}>
            {t("panel.more")}
          </Button>
        </div>
      )}
      {isAdding && (
        <Adding
          conversationId={conversation.id}
          without={people.map((each) => each.user_id)}
          onClose={() => setAdding(false)}
        />
      )}
    </section>
  );
}

interface RowProps extends Rights {
  conversation: Conversation;
  participant: Participant;
}

function Row({ conversation, participant, canRemove, canGiveRoles }: RowProps): VNode {
  const { client, me, t } = useSession();
  const go = useGo();
  const { act } = useAct();
  const [dialog, setDialog] = useState<"remove" | "report" | null>(null);
  const { user_id: userId, role } = participant;
  const name = useName(userId);
  const isMe = userId === me;
  const path = { conversation_id: conversation.id, user_id: userId };
  const close = (): void => setDialog(null);
  const entries: MenuEntry[] = [
    {
      label: t("requests.write"),
      icon: "message",
      onSelect: () => go({ userId, panel: null }),
    },
    { label: t("head.report"), icon: "flag", onSelect: () => setDialog("report") },
  ];
  if (canGiveRoles) {
    const other = role === "owner" ? "member" : "owner";
    const give = (): Promise<unknown> => client.call(`PUT ${ONE}`, { path, body: { role: other } });
    entries.push({
      label: t(role === "owner" ? "details.owner.take" : "details.owner.make"),
      icon: "people",
      onSelect: () => void act(give),
    });
  }
  if (canRemove) {
    entries.push({ line: true });
    const onSelect = (): void => setDialog("remove");
    entries.push({ label: t("details.remove"), icon: "leave", danger: true, onSelect });
  }
  return (
    <PersonRow
      userId={userId}
      presence={!isMe}
      sign={role === "owner" ? t("details.owner") : null}
      {...(isMe ? { under: t("details.you") } : { onOpen: () => go({ userId, panel: null }) })}
    >
      {!isMe && <Menu label={t("details.more", { name })} entries={entries} />}
      {dialog === "report" && (
        <ReportDialog about={{ kind: "user", id: userId, name }} onClose={close} />
      )}
      {dialog === "remove" && (
        <ConfirmDialog
          title={t("details.remove.sure", { name })}
          help={t("details.remove.help")}
          label={t("details.remove")}
          onConfirm={() => client.call(`DELETE ${ONE}`, { path })}
          onClose={close}
        />
      )}
    </PersonRow>
  );
}

interface AddingProps {
  conversationId: string;
  without: readonly string[];
  onClose: () => void;
}

function Adding({ conversationId, without, onClose }: AddingProps): VNode {
  const { client, t } = useSession();
  const { act, isBusy } = useAct();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const add = async (): Promise<void> => {
    for (const user of chosen) {
      const path = { conversation_id: conversationId, user_id: user };
      await client.call(`PUT ${ONE}`, { path });
    }
  };
  return (
    <Dialog title={t("details.add")} onClose={onClose}>
      <Choosing chosen={chosen} onChange={setChosen} without={without} />
      <div class="ui-dialog-feet">
        <Button onClick={onClose}>{t("ui.cancel")}</Button>
        <Button
          kind="main"
          disabled={isBusy || chosen.length === 0}
          onClick={() => void act(add).then((isDone) => isDone && onClose())}
        >
          {t("details.add")}
        </Button>
      </div>
    </Dialog>
  );
}
