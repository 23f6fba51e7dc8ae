import type { ComponentChildren, VNode } from "preact";
import { useSession } from "../session.js";
import { Icon, type IconName } from "../ui/Icon.js";

interface EmptyProps {
  icon: IconName;
  title: string;
  help?: string;
  children?: ComponentChildren;
}

/** Nothing here: why that is well, and what one can do. */
export function Empty({ icon, title, help, children }: EmptyProps): VNode {
  return (
    <div class="ui-empty">
      <Icon name={icon} />
      <h3>{title}</h3>
      {help && <p>{help}</p>}
      {children}
    </div>
  );
}

/** Where rows are to come. */
export function Bones({ count = 5 }: { count?: number }): VNode {
  const { t } = useSession();
  return (
    <div class="panels-bones" role="status">
      <span class="unseen">{t("ui.loading")}</span>
      {Array.from({ length: count }, (_, number) => (
        <div class="panels-bone" key={number} aria-hidden="true">
          <span class="ui-bone ui-bone-round" />
          <span class="panels-bone-lines">
            <span class="ui-bone" />
            <span class="ui-bone" />
          </span>
        </div>
      ))}
    </div>
  );
}
