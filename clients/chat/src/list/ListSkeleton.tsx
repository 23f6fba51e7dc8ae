import type { VNode } from "preact";

const ROWS = [0, 1, 2, 3, 4, 5];

/** The list's shape while it is on its way. */
export function ListSkeleton({ label }: { label: string }): VNode {
  return (
    <div class="list-bones">
      <span class="unseen" role="status">
        {label}
      </span>
      {ROWS.map((row) => (
        <div key={row} class="list-row" aria-hidden="true">
          <span class="ui-bone ui-bone-round" />
          <span class="list-about">
            <span class="ui-bone list-bone-name" />
            <span class="ui-bone list-bone-line" />
          </span>
        </div>
      ))}
    </div>
  );
}
