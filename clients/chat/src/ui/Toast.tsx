import { type ComponentChildren, createContext, type VNode } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import { useSession } from "../session.js";
import { IconButton } from "./Button.js";

interface ToastAction {
  label: string;
  onAction: () => void;
}

/** Say something for a moment: what was done, what went wrong, how to take it back. */
export type Notify = (text: string, action?: ToastAction) => void;

interface Toast {
  id: number;
  text: string;
  action: ToastAction | undefined;
}

const NotifyContext = createContext<Notify | null>(null);
const SHOWN_MS = 7000;
const MOST = 3;

/** What says something for a moment: `const notify = useNotify(); notify(t("…"))`. */
export function useNotify(): Notify {
  const notify = useContext(NotifyContext);
  if (!notify) throw new Error("useNotify outside of a chat");
  return notify;
}

/** Shows what is said below it; a screen reader hears it when it is done with the rest. */
export function Toasts({ children }: { children: ComponentChildren }): VNode {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const last = useRef(0);
  const notify = useCallback<Notify>((text, action) => {
    last.current += 1;
    const toast = { id: last.current, text, action };
    setToasts((now) => [...now.slice(1 - MOST), toast]);
  }, []);
  const drop = useCallback((id: number) => {
    setToasts((now) => now.filter((toast) => toast.id !== id));
  }, []);
  return (
    <NotifyContext.Provider value={notify}>
      {children}
      <div class="ui-toasts" role="status">
        {toasts.map((toast) => (
          <Shown key={toast.id} toast={toast} drop={drop} />
        ))}
      </div>
    </NotifyContext.Provider>
  );
}

function Shown({ toast, drop }: { toast: Toast; drop: (id: number) => void }): VNode {
  const { t } = useSession();
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    // Who points at it or is in it is still reading.
    if (isHeld) return;
    const timer = setTimeout(() => drop(toast.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isHeld, toast.id, drop]);
  return (
    <div
      class="ui-toast"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocusIn={() => setHeld(true)}
      onFocusOut={() => setHeld(false)}
    >
      <span>{toast.text}</span>
      {toast.action && (
        <button
          type="button"
          onClick={() => {
            drop(toast.id);
            toast.action?.onAction();
          }}
        >
          {toast.action.label}
        </button>
      )}
      <IconButton icon="close" label={t("ui.close")} onClick={() => drop(toast.id)} />
    </div>
  );
}
