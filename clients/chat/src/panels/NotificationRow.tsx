import type { Notification } from "@callboard/client";
import type { VNode } from "preact";
import { useSession } from "../session.js";
import { Avatar } from "../ui/Avatar.js";
import { Icon, type IconName } from "../ui/Icon.js";
import { Menu } from "../ui/Menu.js";
import { clock, fully } from "../ui/time.js";

// By the beginnings of types, so that a platform's own are mostly found too.
const ICONS: readonly (readonly [string, IconName])[] = [
  ["connection", "person-add"],
  ["message", "message"],
  ["mention", "message"],
  ["interview", "clock"],
  ["task", "check"],
  ["report", "flag"],
  ["moderation", "alert"],
  ["team", "people"],
  ["industry", "globe"],
  ["job_alert", "search"],
  ["announcement", "info"],
  ["promotion", "info"],
  ["like", "smile"],
];

function iconOf(type: string): IconName {
  return ICONS.find(([start]) => type.startsWith(start))?.[1] ?? "briefcase";
}

interface RowProps {
  notification: Notification;
  onOpen: () => void;
  onRead: () => void;
  onArchive: () => void;
}

/** One thing that one is told. */
export function NotificationRow(props: RowProps): VNode {
  const { notification: note, onOpen, onRead, onArchive } = props;
  const { t, locale } = useSession();
  const isUrgent = note.priority === "high" || note.priority === "urgent";
  const icon = iconOf(note.type);
  return (
    <li class={note.is_read ? "panels-note-row" : "panels-note-row panels-note-new"}>
      <button type="button" class="panels-note-open" onClick={onOpen}>
        <span class="panels-note-face">
          {note.related_user_id ? (
            <>
              <Avatar userId={note.related_user_id} />
              <span class="panels-note-kind" aria-hidden="true">
                <Icon name={icon} />
              </span>
            </>
          ) : (
            <span class="panels-note-icon">
              <Icon name={icon} />
            </span>
          )}
        </span>
        <span class="panels-note-words">
          <span class="panels-note-title">
            {!note.is_read && <span class="unseen">{t("notes.unread")}: </span>}
            <bdi>{note.title}</bdi>
          </span>
          {note.message && (
            <span class="panels-note-text">
              <bdi>{note.message}</bdi>
            </span>
          )}
          <span class="panels-note-facts">
            <time dateTime={note.created_at} title={fully(note.created_at, locale)}>
              {clock(note.created_at, locale)}
            </time>
            {isUrgent && (
              <span class={`panels-priority panels-priority-${note.priority}`}>
                {t(note.priority === "urgent" ? "notes.priority.urgent" : "notes.priority.high")}
              </span>
            )}
            {note.count > 1 && (
              <span class="panels-count">{t("notes.count", { count: note.count })}</span>
            )}
          </span>
        </span>
      </button>
      <span class="panels-note-dot" aria-hidden="true" />
      <span class="panels-note-menu">
        <Menu
          label={t("notes.more", { title: note.title })}
          entries={[
            ...(note.is_read
              ? []
              : [{ label: t("notes.read"), icon: "check" as const, onSelect: onRead }]),
            { label: t("notes.archive"), icon: "archive", onSelect: onArchive },
          ]}
        />
      </span>
    </li>
  );
}
