import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import { Dialog } from "../ui/Dialog.js";
import { useName } from "../ui/people.js";
import { useAct } from "./act.js";

const MOST = 500;
// From here on it is said how much is left.
const NEARLY = 100;

/** Ask somebody for a connection, with a note that they read before they decide. */
export function AskDialog({ userId, onClose }: { userId: string; onClose: () => void }): VNode {
  const { client, t } = useSession();
  const name = useName(userId);
  const [note, setNote] = useState("");
  const { act, isBusy } = useAct();
  // As the server counts: characters, not halves of them.
  const left = MOST - [...note.trim()].length;
  const send = async (): Promise<void> => {
    if (left < 0) return;
    const isDone = await act(
      () => client.connections.request(userId, note.trim() || undefined),
      t("ask.sent", { name }),
    );
    if (isDone) onClose();
  };
  return (
    <Dialog title={t("why.ask")} onClose={onClose}>
      <p class="ui-hint">{t("why.not_connected.help", { name })}</p>
      <form
        class="panels-form"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <label class="ui-field">
          <span>{t("ask.note")}</span>
          <textarea
            class="ui-input"
            rows={4}
            dir="auto"
            autoFocus
            value={note}
            placeholder={t("ask.note.hint")}
            aria-invalid={left < 0}
            onInput={(event) => setNote(event.currentTarget.value)}
          />
        </label>
        <p class={left < 0 ? "ui-hint panels-over" : "ui-hint"} role="status">
          {left < NEARLY && t("ask.left", { count: left })}
        </p>
        <div class="ui-dialog-feet">
          <Button onClick={onClose}>{t("ui.cancel")}</Button>
          <Button kind="main" type="submit" icon="send" disabled={isBusy || left < 0}>
            {t("ask.send")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
