import type { Progress } from "@callboard/client";
import type { VNode } from "preact";
import { memo } from "preact/compat";
import { useMemo } from "preact/hooks";
import { useSession } from "../session.js";
import { Avatar } from "../ui/Avatar.js";
import { Button } from "../ui/Button.js";
import { Icon } from "../ui/Icon.js";
import { useName } from "../ui/people.js";
import { problemText } from "../ui/problem.js";
import { clock } from "../ui/time.js";
import { Attachments } from "./Attachments.js";
import { Body } from "./Body.js";
import { useOpenThread } from "./context.js";
import { Meta } from "./Meta.js";
import { Quote } from "./Quote.js";
import { Reactions } from "./Reactions.js";
import type { Row } from "./rows.js";
import { isOnlyEmoji } from "./segments.js";
import { type Shown, shownOf, shownOfPending } from "./shown.js";
import { Toolbar } from "./Toolbar.js";

interface MessageRowProps {
  row: Extract<Row, { kind: "message" | "pending" }>;
  progress: Progress | null;
  /** Whether it has, or would get, the focus of the list. */
  isCurrent: boolean;
  /** Whether what one can do with it is shown. */
  isActive: boolean;
  /** Whether it was just jumped to. */
  isLit: boolean;
  opensMenu: boolean;
  onHold: (isHeld: boolean) => void;
}

/** So much of a message is in the name of its row; the rest is in the row. */
const NAMED_CHARS = 300;

/** One message with all that belongs to it. */
export const MessageRow = memo(function MessageRow(props: MessageRowProps): VNode {
  const { row, progress, isCurrent, isActive, isLit } = props;
  const { t, me, locale } = useSession();
  const { isDirect } = useOpenThread();
  const source = row.kind === "message" ? row.message : row.pending;
  const shown = useMemo<Shown>(
    () => ("clientId" in source ? shownOfPending(source, me) : shownOf(source, row.key)),
    [source, me, row.key],
  );
  const { message, pending, senderId } = shown;
  const isMine = senderId === me;
  const isDeleted = message !== null && message.deleted_at !== null;
  const known = useName(isMine ? null : senderId);
  const name = isMine ? t("ui.you") : known;
  const text = isDeleted
    ? t("thread.deleted")
    : shown.said.body.slice(0, NAMED_CHARS) ||
      t("thread.row.files", { count: shown.attachments.length });
  const isNamed = !isMine && !isDirect && row.isFirst;

  let style = "thread-row";
  if (isMine) style += " thread-row-mine";
  if (row.isFirst) style += " thread-row-first";
  if (row.isLast) style += " thread-row-last";
  if (isLit) style += " thread-row-lit";

  return (
    <li
      class={style}
      data-key={row.key}
      data-seq={message?.seq}
      tabIndex={isCurrent ? 0 : -1}
      aria-label={t("thread.row", { name, time: clock(shown.at, locale), text })}
    >
      {!isMine && !isDirect && (
        <span class="thread-face">
          {row.isLast && <Avatar userId={senderId} name={known} size="small" />}
        </span>
      )}
      <div class="thread-stack">
        {isNamed && (
          <span class="thread-name" dir="auto">
            {name}
          </span>
        )}
        <div class="thread-line">
          {isDeleted ? (
            <div class="thread-bubble thread-bubble-gone">
              <Icon name="trash" />
              <span>{t("thread.deleted")}</span>
              <Meta shown={shown} progress={null} isCurrent={isCurrent} />
            </div>
          ) : (
            <Bubble shown={shown} progress={progress} isCurrent={isCurrent} isNamed={isNamed} />
          )}
          {message !== null && !isDeleted && isActive && (
            <Toolbar
              message={message}
              isMine={isMine}
              isCurrent={isCurrent}
              opensMenu={props.opensMenu}
              onHold={props.onHold}
            />
          )}
        </div>
        {message !== null && !isDeleted && <Reactions message={message} isCurrent={isCurrent} />}
        {pending?.state === "failed" && <Failed shown={shown} isCurrent={isCurrent} />}
      </div>
    </li>
  );
}, isSame);

// Rows are laid out anew at each change; what they show mostly stays.
function isSame(one: MessageRowProps, other: MessageRowProps): boolean {
  const source = (row: MessageRowProps["row"]) =>
    row.kind === "message" ? row.message : row.pending;
  return (
    source(one.row) === source(other.row) &&
    one.row.key === other.row.key &&
    one.row.isFirst === other.row.isFirst &&
    one.row.isLast === other.row.isLast &&
    one.progress === other.progress &&
    one.isCurrent === other.isCurrent &&
    one.isActive === other.isActive &&
    one.isLit === other.isLit &&
    one.opensMenu === other.opensMenu &&
    one.onHold === other.onHold
  );
}

interface BubbleProps {
  shown: Shown;
  progress: Progress | null;
  isCurrent: boolean;
  isNamed: boolean;
}

function Bubble({ shown, progress, isCurrent, isNamed }: BubbleProps): VNode {
  const { t, me } = useSession();
  const name = useName(shown.senderId === me ? null : shown.senderId);
  const { said, attachments, quote } = shown;
  const isBare = quote === undefined && attachments.length === 0 && isOnlyEmoji(said.body);
  return (
    <div class={isBare ? "thread-bubble thread-bubble-bare" : "thread-bubble"}>
      {!isNamed && <span class="unseen">{`${shown.senderId === me ? t("ui.you") : name}: `}</span>}
      {quote !== undefined && <Quote quote={quote} isCurrent={isCurrent} />}
      {attachments.length > 0 && <Attachments attachments={attachments} isCurrent={isCurrent} />}
      <div class="thread-said" dir="auto">
        {said.body !== "" && <Body message={said} isCurrent={isCurrent} />}
        <Meta shown={shown} progress={progress} isCurrent={isCurrent} />
      </div>
    </div>
  );
}

function Failed({ shown, isCurrent }: { shown: Shown; isCurrent: boolean }): VNode | null {
  const { t } = useSession();
  const { actions } = useOpenThread();
  const { pending } = shown;
  if (pending === null) return null;
  const why = pending.problem === null ? "" : problemText(pending.problem, t);
  const tabIndex = isCurrent ? 0 : -1;
  return (
    <div class="thread-failed" role="alert">
      <span>
        {t("thread.pending.failed")}: {why}
      </span>
      <Button
        size="small"
        icon="refresh"
        tabIndex={tabIndex}
        onClick={() => actions.retry(pending.clientId)}
      >
        {t("ui.retry")}
      </Button>
      <Button
        size="small"
        kind="quiet"
        tabIndex={tabIndex}
        onClick={() => actions.discard(pending.clientId)}
      >
        {t("thread.pending.discard")}
      </Button>
    </div>
  );
}
