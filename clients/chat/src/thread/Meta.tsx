import type { Progress } from "@callboard/client";
import type { VNode } from "preact";
import { useSession } from "../session.js";
import { Icon } from "../ui/Icon.js";
import { clock, fully } from "../ui/time.js";
import { useOpenThread } from "./context.js";
import type { Shown } from "./shown.js";

interface MetaProps {
  shown: Shown;
  /** How far one's own message has come. */
  progress: Progress | null;
  isCurrent: boolean;
}

/** When it was said, whether it was edited, how far it has come: the small print. */
export function Meta({ shown, progress, isCurrent }: MetaProps): VNode {
  const { t, locale } = useSession();
  const { actions } = useOpenThread();
  const { message, pending, at } = shown;
  return (
    <span class="thread-meta">
      {message !== null && message.edited_at !== null && message.deleted_at === null && (
        <button
          type="button"
          class="thread-edited"
          title={t("thread.edited.show")}
          aria-label={t("thread.edited.show")}
          tabIndex={isCurrent ? 0 : -1}
          onClick={() => actions.showHistory(message)}
        >
          {t("thread.edited")}
        </button>
      )}
      <time dateTime={at} title={fully(at, locale)}>
        {clock(at, locale)}
      </time>
      {pending !== null && pending.state !== "failed" && (
        <Mark words={t(`thread.pending.${pending.state}`)} icon="clock" />
      )}
      {pending?.state === "failed" && <Mark words={t("thread.pending.failed")} icon="alert" />}
      {progress !== null && (
        <Mark
          words={t(`thread.progress.${progress}`)}
          icon={progress === "sent" ? "check" : "checks"}
          isRead={progress === "read"}
        />
      )}
    </span>
  );
}

interface MarkProps {
  words: string;
  icon: "clock" | "check" | "checks" | "alert";
  isRead?: boolean;
}

function Mark({ words, icon, isRead = false }: MarkProps): VNode {
  return (
    <span class={isRead ? "thread-mark thread-mark-read" : "thread-mark"} title={words}>
      <Icon name={icon} />
      <span class="unseen">{words}</span>
    </span>
  );
}
