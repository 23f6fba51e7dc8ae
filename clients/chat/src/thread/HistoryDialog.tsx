import type { Message, Thread } from "@callboard/client";
import type { VNode } from "preact";
import { useFetched } from "../panels/act.js";
import { useSession } from "../session.js";
import { Dialog } from "../ui/Dialog.js";
import { Problem } from "../ui/problem.js";
import { fully } from "../ui/time.js";

interface HistoryProps {
  thread: Thread;
  message: Message;
  onClose: () => void;
}

/** What a message said before it was edited, the newest first. */
export function HistoryDialog({ thread, message, onClose }: HistoryProps): VNode {
  const { t, locale } = useSession();
  const { value, problem, again } = useFetched(message.id, () => thread.history(message.id));
  return (
    <Dialog title={t("thread.history.title")} onClose={onClose}>
      <ol class="thread-versions">
        <li>
          <span class="ui-hint">{t("thread.history.now")}</span>
          <p dir="auto">{message.body}</p>
        </li>
        {[...(value ?? [])].reverse().map((version) => (
          <li key={version.at}>
            <span class="ui-hint">
              {t("thread.history.until", { when: fully(version.at, locale) })}
            </span>
            <p dir="auto">{version.body}</p>
          </li>
        ))}
      </ol>
      {problem !== null && <Problem problem={problem} onRetry={again} />}
      {value === null && problem === null && <span class="ui-spinner" />}
    </Dialog>
  );
}
