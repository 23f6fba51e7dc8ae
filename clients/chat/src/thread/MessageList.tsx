import { progressOf, type ThreadState } from "@callboard/client";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import { Icon } from "../ui/Icon.js";
import { problemText } from "../ui/problem.js";
import { dayLine } from "../ui/time.js";
import { MessageRow } from "./MessageRow.js";
import { type Row, rowsOf } from "./rows.js";
import { SystemRow } from "./SystemRow.js";
import { useRoving } from "./useRoving.js";
import type { Scrolling } from "./useScrolling.js";

interface MessageListProps {
  state: ThreadState;
  scrolling: Scrolling;
  /** The new-messages line goes after this `seq`. */
  newAfter: number | null;
  /** Escape was pressed: back to writing. */
  onLeave: () => void;
}

/** The messages of a thread, as far as they are loaded, and the ways to more. */
export function MessageList({ state, scrolling, newAfter, onLeave }: MessageListProps): VNode {
  const { t, me } = useSession();
  const { messages, pending, hasNewer, hasOlder, isLoaded, isLoading, problem } = state;
  const rows = useMemo(
    () => rowsOf(messages, pending, { me, newAfter, isWhole: !hasNewer }),
    [messages, pending, me, newAfter, hasNewer],
  );
  const last = rows.findLast((row) => row.kind !== "day" && row.kind !== "new")?.key ?? null;
  const roving = useRoving({
    list: scrolling.list,
    last,
    onEnd: () => void scrolling.toNewest(),
    onLeave,
  });

  const view = (row: Row): VNode => {
    if (row.kind === "day") return <DayLine key={row.key} at={row.at} />;
    if (row.kind === "new") return <NewLine key={row.key} />;
    const isCurrent = row.key === roving.current;
    if (row.kind === "system") {
      const isLit = row.message.seq === scrolling.litSeq;
      return <SystemRow key={row.key} message={row.message} isCurrent={isCurrent} isLit={isLit} />;
    }
    const message = row.kind === "message" ? row.message : null;
    const isMine = message !== null && message.sender_id === me && message.deleted_at === null;
    return (
      <MessageRow
        key={row.key}
        row={row}
        progress={isMine && state.conversation ? progressOf(message, state.conversation, me) : null}
        isCurrent={isCurrent}
        isActive={roving.active.includes(row.key)}
        isLit={message !== null && message.seq === scrolling.litSeq}
        opensMenu={roving.menu === row.key}
        onHold={roving.hold}
      />
    );
  };

  const isEmpty = isLoaded && rows.length === 0 && !hasOlder;
  return (
    <div class="thread-scroller" ref={scrolling.scroller} onScroll={scrolling.onScroll}>
      <div class="thread-fill">
        {hasOlder && problem === null && <Waiting words={t("thread.older.loading")} />}
        {problem !== null && (
          <div class="ui-problem" role="alert">
            <p>{isLoaded ? t("thread.load.failed") : problemText(problem, t)}</p>
            <Button size="small" disabled={isLoading} onClick={scrolling.retry}>
              {t("ui.retry")}
            </Button>
          </div>
        )}
        {!isLoaded && problem === null && <Bones />}
        {isEmpty && (
          <div class="ui-empty">
            <Icon name="message" />
            <h3>{t("thread.empty")}</h3>
            <p>{t("thread.empty.help")}</p>
          </div>
        )}
        <ol
          class="thread-list"
          ref={scrolling.list}
          aria-label={t("thread.messages")}
          aria-busy={isLoading}
          {...roving.handlers}
        >
          {rows.map(view)}
        </ol>
        {hasNewer && <Waiting words={t("thread.newer.loading")} />}
      </div>
    </div>
  );
}

function DayLine({ at }: { at: string }): VNode {
  const { t, locale } = useSession();
  return (
    <li class="thread-day">
      <span>{dayLine(at, locale, t)}</span>
    </li>
  );
}

function NewLine(): VNode {
  const { t } = useSession();
  return (
    <li class="thread-new">
      <span>{t("thread.new")}</span>
    </li>
  );
}

function Waiting({ words }: { words: string }): VNode {
  return (
    <div class="thread-waiting">
      <span class="ui-spinner" aria-hidden="true" />
      <span class="unseen">{words}</span>
    </div>
  );
}

/** What stands there until the first messages come. */
function Bones(): VNode {
  const { t } = useSession();
  return (
    <div class="thread-bones" role="status">
      <span class="unseen">{t("ui.loading")}</span>
      {[0, 1, 2, 3, 4, 5].map((each) => (
        <span key={each} class={`ui-bone thread-bone-${each % 3}`} aria-hidden="true" />
      ))}
    </div>
  );
}
