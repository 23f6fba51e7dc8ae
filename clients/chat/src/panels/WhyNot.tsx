import { useConnections } from "@callboard/client/react";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import { Icon } from "../ui/Icon.js";
import { useName } from "../ui/people.js";
import { AskDialog } from "./AskDialog.js";
import { type Act, useAct } from "./act.js";
import { othersOf, useConversation } from "./conversation.js";
import { type Place, useStanding } from "./permission.js";
import { explain, type Unlock } from "./reasons.js";

/**
 * Why one cannot write to somebody, or here, in a plain sentence, with what unlocks it.
 *
 * It changes as things do, and is nothing where one may write.
 */
export function WhyNot(place: Place): VNode | null {
  const { client, me, t } = useSession();
  const standing = useStanding(place);
  const other = useOther(place);
  const name = useName(other);
  // Looked at so that it is drawn again when it changes.
  useConnections();
  const link = other ? client.connections.with(other) : null;
  if (!standing?.refusal || standing.mayWrite) return null;
  const { sentence, help, action } = explain(standing.refusal, me, link);
  const note = action === "connection.accept" ? link?.message : null;
  return (
    <section class="panels-why" aria-label={t("why.label")}>
      <Icon name={action === "connection.accept" ? "person-add" : "lock"} />
      <div class="panels-why-said" role="status">
        <p>{t(sentence, { name })}</p>
        {help && <p class="ui-hint">{t(help, { name })}</p>}
        {note && (
          <blockquote class="panels-note" dir="auto">
            {note}
          </blockquote>
        )}
      </div>
      {action && other && (
        <Unlocking
          action={action}
          userId={other}
          name={name}
          connectionId={link?.status === "pending" ? link.id : null}
        />
      )}
    </section>
  );
}

/** The other person, where there are two. */
function useOther(place: Place): string | null {
  const { me } = useSession();
  const conversation = useConversation("conversationId" in place ? place.conversationId : null);
  if ("userId" in place) return place.userId;
  const others = othersOf(conversation, me);
  return others.length === 1 ? (others[0] ?? null) : null;
}

interface UnlockingProps {
  action: Unlock;
  userId: string;
  name: string;
  connectionId: string | null;
}

function Unlocking({ action, userId, name, connectionId }: UnlockingProps): VNode | null {
  const { client, t } = useSession();
  const { act, isBusy } = useAct();
  const [isAsking, setAsking] = useState(false);
  if (action === "connection.request") {
    return (
      <div class="panels-why-do">
        <Button kind="main" icon="person-add" onClick={() => setAsking(true)}>
          {t("why.ask")}
        </Button>
        {isAsking && <AskDialog userId={userId} onClose={() => setAsking(false)} />}
      </div>
    );
  }
  if (action === "user.unblock") {
    const done = t("requests.unblocked.done", { name });
    return (
      <div class="panels-why-do">
        <Button
          kind="main"
          disabled={isBusy}
          onClick={() => void act(() => client.connections.unblock(userId), done)}
        >
          {t("requests.unblock")}
        </Button>
      </div>
    );
  }
  if (connectionId === null) return null;
  const answers = { action, connectionId, name, act, isBusy };
  return <Answers {...answers} />;
}

interface AnswersProps {
  action: "connection.accept" | "connection.withdraw";
  connectionId: string;
  name: string;
  act: Act;
  isBusy: boolean;
}

/** What one does about a request: answer that of somebody else, take back one's own. */
function Answers({ action, connectionId, name, act, isBusy }: AnswersProps): VNode {
  const { client, t } = useSession();
  if (action === "connection.withdraw") {
    const withdraw = (): Promise<void> => client.connections.withdraw(connectionId);
    return (
      <div class="panels-why-do">
        <Button
          disabled={isBusy}
          onClick={() => void act(withdraw, t("requests.withdrawn", { name }))}
        >
          {t("requests.withdraw")}
        </Button>
      </div>
    );
  }
  const accept = (): Promise<void> => client.connections.accept(connectionId);
  const reject = (): Promise<void> => client.connections.reject(connectionId);
  return (
    <div class="panels-why-do">
      <Button
        kind="main"
        icon="check"
        disabled={isBusy}
        onClick={() => void act(accept, t("requests.accepted", { name }))}
      >
        {t("requests.accept")}
      </Button>
      <Button disabled={isBusy} onClick={() => void act(reject, t("requests.declined", { name }))}>
        {t("requests.decline")}
      </Button>
    </div>
  );
}
