import type { ComponentChildren, VNode } from "preact";
import { useId, useRef } from "preact/hooks";
import { Badge } from "../ui/Badge.js";

export interface Tab<K extends string> {
  key: K;
  label: string;
  /** How many wait there. */
  count?: number;
}

interface TabsProps<K extends string> {
  /** What one chooses among. */
  label: string;
  tabs: readonly Tab<K>[];
  chosen: K;
  onChoose: (key: K) => void;
  children: ComponentChildren;
}

/** Several views of which one is shown: arrows, Home and End go along. */
export function Tabs<K extends string>(props: TabsProps<K>): VNode {
  const { label, tabs, chosen, onChoose, children } = props;
  const id = useId();
  const bar = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent): void => {
    const now = tabs.findIndex((tab) => tab.key === chosen);
    const next = stepped(event, now, tabs.length);
    const tab = next === null ? undefined : tabs[next];
    if (!tab) return;
    event.preventDefault();
    onChoose(tab.key);
    bar.current?.querySelectorAll<HTMLElement>('[role="tab"]')[next ?? 0]?.focus();
  };
  return (
    <div class="panels-tabs">
      <div class="panels-tab-bar" role="tablist" aria-label={label} ref={bar} onKeyDown={onKeyDown}>
        {tabs.map((tab) => (
          <button
            key={tab.key}
            type="button"
            role="tab"
            id={`${id}-${tab.key}`}
            class="panels-tab"
            aria-selected={tab.key === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={tab.key === chosen ? 0 : -1}
            onClick={() => onChoose(tab.key)}
          >
            {tab.label}
            {tab.count ? (
              <>
                <Badge count={tab.count} quiet={tab.key !== chosen} />
                <span class="unseen">({tab.count})</span>
              </>
            ) : null}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-${chosen}`}
        class="panels-tab-body"
      >
        {children}
      </div>
    </div>
  );
}

/** Which one a key leads to; null for any other key. The arrows follow the line of reading. */
function stepped(event: KeyboardEvent, now: number, count: number): number | null {
  if (event.key === "Home") return 0;
  if (event.key === "End") return count - 1;
  if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return null;
  const target = event.currentTarget;
  const isRtl = target instanceof HTMLElement && getComputedStyle(target).direction === "rtl";
  const isOn = (event.key === "ArrowRight") !== isRtl;
  return (now + (isOn ? 1 : count - 1)) % count;
}
