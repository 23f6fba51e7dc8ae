import type { Attachment, Message, Thread } from "@callboard/client";
import { Problem } from "@callboard/client";
import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { ConfirmDialog } from "../panels/ConfirmDialog.js";
import { ReportDialog } from "../panels/ReportDialog.js";
import { useSession } from "../session.js";
import { problemText } from "../ui/problem.js";
import { useNotify } from "../ui/Toast.js";
import type { Actions } from "./context.js";
import type { Draft } from "./draft.js";
import { HistoryDialog } from "./HistoryDialog.js";
import { Lightbox } from "./Lightbox.js";

type Open =
  | { what: "delete" | "report" | "history"; message: Message }
  | { what: "image"; attachment: Attachment };

interface ActionsOptions {
  thread: Thread;
  draft: Draft;
  jump: (seq: number) => Promise<void>;
  /** Have the field take the focus. */
  focusField: () => void;
}

/** What messages can be asked to do, and the window that some of it opens. */
export function useActions(options: ActionsOptions): { actions: Actions; dialog: VNode | null } {
  const { thread, draft, jump, focusField } = options;
  const { t } = useSession();
  const notify = useNotify();
  const [open, setOpen] = useState<Open | null>(null);

  const actions = useMemo<Actions>(() => {
    const refused = (error: unknown): void => notify(problemText(Problem.of(error), t));
    return {
      reply: (message) => {
        draft.reply(message);
        focusField();
      },
      edit: (message) => {
        draft.edit(message);
        focusField();
      },
      react: (message, emoji, isOn) => {
        thread.react(message.id, emoji, isOn).catch(refused);
      },
      copy: (message) => {
        navigator.clipboard.writeText(message.body).then(
          () => notify(t("thread.copied")),
          () => notify(t("thread.copy.failed")),
        );
      },
      remove: (message) => setOpen({ what: "delete", message }),
      report: (message) => setOpen({ what: "report", message }),
      showHistory: (message) => setOpen({ what: "history", message }),
      showImage: (attachment) => setOpen({ what: "image", attachment }),
      jump: (seq) => {
        jump(seq).catch(() => notify(t("thread.jump.failed")));
      },
      retry: (clientId) => thread.retry(clientId),
      discard: (clientId) => thread.discard(clientId),
    };
  }, [thread, draft, jump, focusField, notify, t]);

  const close = (): void => setOpen(null);
  const dialog = (): VNode | null => {
    if (open === null) return null;
    if (open.what === "image") return <Lightbox attachment={open.attachment} onClose={close} />;
    const { message } = open;
    switch (open.what) {
      case "report":
        return <ReportDialog about={{ kind: "message", id: message.id }} onClose={close} />;
      case "history":
        return <HistoryDialog thread={thread} message={message} onClose={close} />;
      case "delete":
        return (
          <ConfirmDialog
            title={t("thread.delete.title")}
            help={t("thread.delete.text")}
            label={t("thread.delete.do")}
            onConfirm={() => thread.remove(message.id)}
            onClose={close}
          />
        );
    }
  };
  return { actions, dialog: dialog() };
}
