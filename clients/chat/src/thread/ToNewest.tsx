import type { VNode } from "preact";
import { useSession } from "../session.js";
import { Icon } from "../ui/Icon.js";

interface ToNewestProps {
  isShown: boolean;
  /** How many wait there. */
  count: number;
  onPress: () => void;
}

/** The way down, for who has scrolled up. */
export function ToNewest({ isShown, count, onPress }: ToNewestProps): VNode | null {
  const { t } = useSession();
  if (!isShown) return null;
  const label = count > 0 ? t("thread.toNewest.count", { count }) : t("thread.toNewest");
  return (
    <button
      type="button"
      class="thread-to-newest"
      aria-label={count > 0 ? `${t("thread.toNewest")}, ${label}` : label}
      title={t("thread.toNewest")}
      onClick={onPress}
    >
      {count > 0 && <span aria-hidden="true">{label}</span>}
      <Icon name="arrow-down" />
    </button>
  );
}
