import type { Connection } from "@callboard/client";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import { Menu } from "../ui/Menu.js";
import { useName } from "../ui/people.js";
import { ago } from "../ui/time.js";
import { useAct } from "./act.js";
import { BlockDialog, ConfirmDialog } from "./ConfirmDialog.js";
import { PersonRow } from "./PersonRow.js";

interface RowProps {
  link: Connection;
}

/** Somebody who asks: accept, decline, or be asked no more. */
export function Received({ link }: RowProps): VNode {
  const { client, t, locale } = useSession();
  const go = useGo();
  const { act, isBusy } = useAct();
  const [isBlocking, setBlocking] = useState(false);
  const other = link.requester_id;
  const name = useName(other);
  const { connections } = client;
  return (
    <PersonRow
      userId={other}
      note={link.message}
      under={t("requests.when.received", { when: ago(link.updated_at, locale, t) })}
      onOpen={() => go({ userId: other, panel: null })}
    >
      <Button
        kind="main"
        size="small"
        disabled={isBusy}
        onClick={() =>
          void act(() => connections.accept(link.id), t("requests.accepted", { name }))
        }
      >
        {t("requests.accept")}
      </Button>
      <Button
        size="small"
        disabled={isBusy}
        onClick={() =>
          void act(() => connections.reject(link.id), t("requests.declined", { name }))
        }
      >
        {t("requests.decline")}
      </Button>
      <Menu
        label={t("requests.more", { name })}
        entries={[
          {
            label: t("head.block"),
            icon: "block",
            danger: true,
            onSelect: () => setBlocking(true),
          },
        ]}
      />
      {isBlocking && <BlockDialog userId={other} name={name} onClose={() => setBlocking(false)} />}
    </PersonRow>
  );
}

/** Somebody whom one has asked. */
export function Sent({ link }: RowProps): VNode {
  const { client, t, locale } = useSession();
  const go = useGo();
  const { act, isBusy } = useAct();
  const other = link.recipient_id;
  const name = useName(other);
  return (
    <PersonRow
      userId={other}
      note={link.message}
      under={t("requests.when.sent", { when: ago(link.updated_at, locale, t) })}
      onOpen={() => go({ userId: other, panel: null })}
    >
      <Button
        size="small"
        disabled={isBusy}
        onClick={() =>
          void act(() => client.connections.withdraw(link.id), t("requests.withdrawn", { name }))
        }
      >
        {t("requests.withdraw")}
      </Button>
    </PersonRow>
  );
}

/** Somebody to whom one is connected. */
export function Connected({ link }: RowProps): VNode {
  const { client, me, t, locale } = useSession();
  const go = useGo();
  const [dialog, setDialog] = useState<"remove" | "block" | null>(null);
  const other = link.requester_id === me ? link.recipient_id : link.requester_id;
  const name = useName(other);
  const close = (): void => setDialog(null);
  return (
    <PersonRow
      userId={other}
      presence
      under={t("requests.when.connections", { when: ago(link.updated_at, locale, t) })}
      onOpen={() => go({ userId: other, panel: null })}
    >
      <Button size="small" onClick={() => go({ userId: other, panel: null })}>
        {t("requests.write")}
      </Button>
      <Menu
        label={t("requests.more", { name })}
        entries={[
          { label: t("requests.remove"), icon: "close", onSelect: () => setDialog("remove") },
          {
            label: t("head.block"),
            icon: "block",
            danger: true,
            onSelect: () => setDialog("block"),
          },
        ]}
      />
      {dialog === "block" && <BlockDialog userId={other} name={name} onClose={close} />}
      {dialog === "remove" && (
        <ConfirmDialog
          title={t("requests.remove.sure", { name })}
          help={t("requests.remove.help")}
          label={t("requests.remove")}
          done={t("requests.removed", { name })}
          onConfirm={() => client.connections.remove(link.id)}
          onClose={close}
        />
      )}
    </PersonRow>
  );
}

/** Somebody whom one blocks. */
export function Blocked({ userId }: { userId: string }): VNode {
  const { client, t } = useSession();
  const { act, isBusy } = useAct();
  const name = useName(userId);
  return (
    <PersonRow userId={userId}>
      <Button
        size="small"
        disabled={isBusy}
        onClick={() =>
          void act(() => client.connections.unblock(userId), t("requests.unblocked.done", { name }))
        }
      >
        {t("requests.unblock")}
      </Button>
    </PersonRow>
  );
}
