import type { VNode } from "preact";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import { Dialog } from "../ui/Dialog.js";
import { useAct } from "./act.js";

interface ConfirmProps {
  /** The question. */
  title: string;
  /** What follows from it. */
  help: string;
  /** What the button says. */
  label: string;
  /** What is said when it was done. */
  done?: string;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
}

/** Ask before something that others notice, or that cannot be taken back. */
export function ConfirmDialog(props: ConfirmProps): VNode {
  const { t } = useSession();
  const { act, isBusy } = useAct();
  const confirm = async (): Promise<void> => {
    if (await act(props.onConfirm, props.done)) props.onClose();
  };
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <p class="panels-faint">{props.help}</p>
      <div class="ui-dialog-feet">
        <Button onClick={props.onClose}>{t("ui.cancel")}</Button>
        <Button kind="danger" autoFocus disabled={isBusy} onClick={() => void confirm()}>
          {props.label}
        </Button>
      </div>
    </Dialog>
  );
}

/** Ask before blocking somebody. */
export function BlockDialog(props: { userId: string; name: string; onClose: () => void }): VNode {
  const { client, t } = useSession();
  const { userId, name, onClose } = props;
  return (
    <ConfirmDialog
      title={t("requests.block.sure", { name })}
      help={t("requests.block.help", { name })}
      label={t("requests.block")}
      done={t("requests.blocked.done", { name })}
      onConfirm={() => client.connections.block(userId)}
      onClose={onClose}
    />
  );
}
