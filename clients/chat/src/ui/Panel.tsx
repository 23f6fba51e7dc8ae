import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { IconButton } from "./Button.js";
import { focusedIn } from "./layers.js";

interface PanelProps {
  title: string;
  /** Beside the title, as "mark all as read". */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

/**
 * What opens beside the thread, or over it where there is no room.
 *
 * It takes the focus when it opens, unless something in it has taken it (an input by a ref),
 * and gives it back when it closes. Escape closes it.
 */
export function Panel({ title, actions, children }: PanelProps): VNode {
  const { t } = useSession();
  const go = useGo();
  const box = useRef<HTMLElement>(null);
  const head = useRef<HTMLHeadingElement>(null);
  const id = useId();
  useEffect(() => {
    const panel = box.current;
    const before = panel && focusedIn(panel);
    if (panel && before && panel.contains(before)) return;
    head.current?.focus();
    return () => before?.focus();
  }, []);
  return (
    <aside
      class="ui-panel"
      aria-labelledby={id}
      ref={box}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        go({ panel: null });
      }}
    >
      <header class="ui-panel-head">
        <h2 id={id} tabIndex={-1} ref={head}>
          {title}
        </h2>
        {actions}
        <IconButton icon="close" label={t("ui.close")} onClick={() => go({ panel: null })} />
      </header>
      <div class="ui-panel-body">{children}</div>
    </aside>
  );
}
