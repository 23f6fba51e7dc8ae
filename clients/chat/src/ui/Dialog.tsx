import type { ComponentChildren, VNode } from "preact";
import { useId } from "preact/hooks";
import { useSession } from "../session.js";
import { IconButton } from "./Button.js";
import { useModal } from "./layers.js";

interface DialogProps {
  title: string;
  /** Escape, the cross, or a press beside it. */
  onClose: () => void;
  children: ComponentChildren;
}

/**
 * A window above everything, there while it is drawn.
 *
 * The browser keeps the focus in it; on closing it goes back to where it was. Give what
 * should have the focus first `autoFocus`.
 */
export function Dialog({ title, onClose, children }: DialogProps): VNode {
  const { t } = useSession();
  const box = useModal();
  const head = useId();
  return (
    <dialog
      ref={box}
      class="ui-dialog"
      aria-labelledby={head}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => {
        // The dialog's own: what it stands in stays open.
        if (event.key === "Escape") event.stopPropagation();
      }}
      onMouseDown={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
    >
      <div class="ui-dialog-head">
        <h2 id={head}>{title}</h2>
        <IconButton icon="close" label={t("ui.close")} onClick={onClose} />
      </div>
      <div class="ui-dialog-body">{children}</div>
    </dialog>
  );
}
