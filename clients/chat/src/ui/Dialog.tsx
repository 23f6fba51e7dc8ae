import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useSession } from "../session.js";
import { IconButton } from "./Button.js";

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
  const box = useRef<HTMLDialogElement>(null);
  const head = useId();
  useEffect(() => {
    const dialog = box.current;
    const before = dialog && focusedIn(dialog);
    dialog?.showModal();
    return () => {
      dialog?.close();
      before?.focus();
    };
  }, []);
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

/** What has the focus, within the same shadow root. */
export function focusedIn(near: Node): HTMLElement | null {
  const root = near.getRootNode();
  if (!(root instanceof ShadowRoot || root instanceof Document)) return null;
  return root.activeElement instanceof HTMLElement ? root.activeElement : null;
}
