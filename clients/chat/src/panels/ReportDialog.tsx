import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import { Dialog } from "../ui/Dialog.js";
import { useAct } from "./act.js";

/** What is reported. */
export type Reported =
  | { kind: "user"; id: string; name: string }
  | { kind: "message" | "gig"; id: string };

const REASONS = ["spam", "harassment", "scam", "impersonation", "inappropriate", "other"] as const;

// What the server takes.
const MOST = 2000;

/** Tell the moderators what is wrong with a person, a message or a gig. */
export function ReportDialog(props: { about: Reported; onClose: () => void }): VNode {
  const { client, t } = useSession();
  const { about, onClose } = props;
  const [reason, setReason] = useState<(typeof REASONS)[number] | null>(null);
  const [more, setMore] = useState("");
  const { act, isBusy } = useAct();
  const send = async (): Promise<void> => {
    if (reason === null) return;
    const report = {
      content_type: about.kind,
      content_id: about.id,
      reason,
      description: more.trim() || null,
    };
    const isDone = await act(
      () => client.call("POST /v1/reports", { body: report }),
      t("report.sent"),
    );
    if (isDone) onClose();
  };
  const title =
    about.kind === "user"
      ? t("report.title", { name: about.name })
      : t(`report.title.${about.kind}`);
  const help =
    about.kind === "user" ? t("report.help", { name: about.name }) : t("report.help.plain");
  return (
    <Dialog title={title} onClose={onClose}>
      <p class="ui-hint">{help}</p>
      <form
        class="panels-form"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <fieldset class="panels-choices">
          <legend class="ui-label">{t("report.why")}</legend>
          {REASONS.map((each) => (
            <label class="panels-choice" key={each}>
              <input
                type="radio"
                name="reason"
                checked={reason === each}
                onChange={() => setReason(each)}
              />
              <span>{t(`report.${each}`)}</span>
            </label>
          ))}
        </fieldset>
        <label class="ui-field">
          <span>{t("report.more")}</span>
          <textarea
            class="ui-input"
            rows={3}
            dir="auto"
            maxLength={MOST}
            value={more}
            onInput={(event) => setMore(event.currentTarget.value)}
          />
        </label>
        <div class="ui-dialog-feet">
          <Button onClick={onClose}>{t("ui.cancel")}</Button>
          <Button kind="main" type="submit" icon="flag" disabled={isBusy || reason === null}>
            {t("report.send")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
