import type { VNode } from "preact";
import { useSession } from "../session.js";

/** How many; nothing for none. Say in words beside it what is counted. */
export function Badge({ count, quiet = false }: { count: number; quiet?: boolean }): VNode | null {
  const { locale } = useSession();
  if (count <= 0) return null;
  const text = count > 99 ? "99+" : new Intl.NumberFormat(locale).format(count);
  return (
    <span class={quiet ? "ui-badge ui-badge-quiet" : "ui-badge"} aria-hidden="true">
      {text}
    </span>
  );
}
