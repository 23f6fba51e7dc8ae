import type { Message } from "@callboard/client";
import { usePeople } from "@callboard/client/react";
import type { VNode } from "preact";
import { memo } from "preact/compat";
import { useId, useState } from "preact/hooks";
import { useSession } from "../session.js";
import { nameOf } from "../ui/people.js";
import { useOpenThread } from "./context.js";

/** So many people are named; the rest are counted. */
const NAMED = 8;

interface ReactionsProps {
  message: Message;
  isCurrent: boolean;
}

/** The reactions to a message: pressing one adds or takes back one's own. */
export const Reactions = memo(function Reactions({
  message,
  isCurrent,
}: ReactionsProps): VNode | null {
  const { t } = useSession();
  const all = Object.entries(message.reactions).flatMap(([emoji, users]) =>
    users === undefined || users.length === 0 ? [] : [{ emoji, users }],
  );
  if (all.length === 0) return null;
  return (
    <ul class="thread-reactions" aria-label={t("thread.reactions")}>
      {all.map(({ emoji, users }) => (
        <li key={emoji}>
          <Reaction message={message} emoji={emoji} users={users} isCurrent={isCurrent} />
        </li>
      ))}
    </ul>
  );
});

interface ReactionProps extends ReactionsProps {
  emoji: string;
  users: readonly string[];
}

function Reaction({ message, emoji, users, isCurrent }: ReactionProps): VNode {
  const { t, me, locale } = useSession();
  const { actions, isOpen } = useOpenThread();
  const [isAsked, setAsked] = useState(false);
  const id = useId();
  const isMine = users.includes(me);
  const count = users.length;
  const label = isMine
    ? t("thread.react.mine", { emoji, count })
    : t("thread.react.count", { emoji, count });
  return (
    <>
      <button
        type="button"
        class={isMine ? "thread-reaction thread-reaction-mine" : "thread-reaction"}
        aria-pressed={isMine}
        aria-label={label}
        aria-describedby={isAsked ? id : undefined}
        aria-disabled={!isOpen}
        tabIndex={isCurrent ? 0 : -1}
        onClick={() => {
          if (isOpen) actions.react(message, emoji, !isMine);
        }}
        onPointerEnter={() => setAsked(true)}
        onPointerLeave={() => setAsked(false)}
        onFocus={() => setAsked(true)}
        onBlur={() => setAsked(false)}
        onKeyDown={(event) => {
          if (event.key === "Escape") setAsked(false);
        }}
      >
        <span>{emoji}</span>
        {count > 1 && <span>{new Intl.NumberFormat(locale).format(count)}</span>}
      </button>
      {isAsked && <Who id={id} emoji={emoji} users={users} />}
    </>
  );
}

function Who({ id, emoji, users }: { id: string; emoji: string; users: readonly string[] }): VNode {
  const { t, me, locale } = useSession();
  const named = users.slice(0, NAMED);
  const people = usePeople(named);
  const names = named.map((each) => (each === me ? t("ui.you") : nameOf(people.get(each), t)));
  const more = users.length - named.length;
  if (more > 0) names.push(`+${new Intl.NumberFormat(locale).format(more)}`);
  const list = new Intl.ListFormat(locale, { type: "conjunction" }).format(names);
  return (
    <span class="thread-who" role="tooltip" id={id} dir="auto">
      {t("thread.react.who", { names: list, emoji })}
    </span>
  );
}
