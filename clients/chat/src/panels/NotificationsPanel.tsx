import type { Notification } from "@callboard/client";
import { Problem as Refusal } from "@callboard/client";
import { useInbox } from "@callboard/client/react";
import type { VNode } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Button, IconButton } from "../ui/Button.js";
import { Menu } from "../ui/Menu.js";
import { Panel } from "../ui/Panel.js";
import { Problem } from "../ui/problem.js";
import { useNotify } from "../ui/Toast.js";
import { dayLine, isSameDay } from "../ui/time.js";
import { useAct } from "./act.js";
import { Bones, Empty } from "./Empty.js";
import { NotificationRow } from "./NotificationRow.js";
import { targetOf } from "./targets.js";

// What one command may name.
const MOST_IDS = 200;

/** What one has been told, the newest first, day by day. */
export function NotificationsPanel(): VNode {
  const { client, t, locale } = useSession();
  const inbox = useInbox();
  const go = useGo();
  const { act, isBusy } = useAct();
  const days = useMemo(() => byDay(inbox.items), [inbox.items]);
  useSeeing(inbox.items);
  const { notifications } = client;
  const actions = (
    <>
      <Menu
        label={t("ui.more")}
        entries={[
          {
            label: t("notes.all.read"),
            icon: "checks",
            disabled: inbox.unread === 0,
            onSelect: () => void act(() => notifications.read("all")),
          },
          {
            label: t("notes.all.archive"),
            icon: "archive",
            disabled: inbox.items.length === 0,
            onSelect: () => void act(() => notifications.archive("all")),
          },
        ]}
      />
      <IconButton
        icon="settings"
        label={t("notes.preferences")}
        onClick={() => go({ panel: "preferences" })}
      />
    </>
  );
  return (
    <Panel title={t("notes.title")} actions={actions}>
      {inbox.problem && (
        <Problem problem={inbox.problem} onRetry={() => void act(() => notifications.load())} />
      )}
      {!inbox.isLoaded && !inbox.problem && <Bones />}
      {inbox.isLoaded && inbox.items.length === 0 && (
        <Empty icon="bell" title={t("notes.empty")} help={t("notes.empty.help")} />
      )}
      {days.map((day) => (
        <section key={day.key} class="panels-day">
          <h3 class="panels-section">{dayLine(day.at, locale, t)}</h3>
          <ul>
            {day.items.map((each) => (
              <Row key={each.id} notification={each} />
            ))}
          </ul>
        </section>
      ))}
      {inbox.hasMore && inbox.items.length > 0 && (
        <div class="panels-more">
          <Button
            disabled={inbox.isLoading || isBusy}
            onClick={() => void act(() => notifications.more())}
          >
            {t("panel.more")}
          </Button>
        </div>
      )}
    </Panel>
  );
}

function Row({ notification }: { notification: Notification }): VNode {
  const { client, t } = useSession();
  const go = useGo();
  const notify = useNotify();
  const { act } = useAct();
  const { id, is_read } = notification;
  const { notifications } = client;
  const open = async (): Promise<void> => {
    if (!is_read) await notifications.read([id]);
    const target = await targetOf(client, notification);
    if (target) go(target);
    else notify(t("notes.nowhere"));
  };
  return (
    <NotificationRow
      notification={notification}
      onOpen={() => void act(open)}
      onRead={() => void act(() => notifications.read([id]))}
      onArchive={() => void act(() => notifications.archive([id]), t("notes.archived"))}
    />
  );
}

/** Say that what is shown has been seen: what is there, and what comes while one looks. */
function useSeeing(items: readonly Notification[]): void {
  const { client } = useSession();
  useEffect(() => {
    const unseen = items.filter((each) => each.seen_at === null).map((each) => each.id);
    if (unseen.length === 0) return;
    client.notifications.seen(unseen.slice(0, MOST_IDS)).catch((error: unknown) => {
      // Said again when the list is opened again, or changes.
      if (!(error instanceof Refusal)) throw error;
    });
  }, [client, items]);
}

interface Day {
  key: string;
  at: string;
  items: Notification[];
}

function byDay(items: readonly Notification[]): Day[] {
  const days: Day[] = [];
  for (const item of items) {
    const last = days.at(-1);
    if (last && isSameDay(last.at, item.created_at)) last.items.push(item);
    else days.push({ key: item.id, at: item.created_at, items: [item] });
  }
  return days;
}
