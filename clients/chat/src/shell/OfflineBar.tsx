import type { Status } from "@callboard/client";
import { useCallboard, useStatus } from "@callboard/client/react";
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Translate } from "../i18n.js";
import { Icon } from "../ui/Icon.js";
import { problemText } from "../ui/problem.js";

// A change of networks takes a moment: a bar for that would only flicker.
const PATIENCE_MS = 1200;

/** Says that the connection is cut off, and when it is tried again; nothing while it stands. */
export function OfflineBar({ t }: { t: Translate }): VNode {
  const client = useCallboard();
  const status = useStatus();
  const isCut = useIsCut(status);
  return (
    <div class="shell-bar-place" role="status">
      {isCut && (
        <div class={status.state === "closed" ? "shell-bar shell-bar-closed" : "shell-bar"}>
          <Icon name={status.state === "closed" ? "lock" : "offline"} />
          <p>
            {words(status, t)}
            {status.state === "waiting" && status.retryAt !== null && (
              <Countdown until={status.retryAt} t={t} />
            )}
          </p>
          {status.state === "waiting" && (
            <button type="button" class="shell-bar-button" onClick={() => client.retryNow()}>
              {t("shell.bar.now")}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function words(status: Status, t: Translate): string {
  if (status.state === "closed") {
    // Whose access has ended is one's own; elsewhere it may be the other's.
    if (status.reason?.code === "suspended") return t("shell.bar.suspended");
    return status.reason ? problemText(status.reason, t) : t("shell.bar.closed");
  }
  return t(status.state === "waiting" ? "shell.bar.waiting" : "shell.bar.connecting");
}

/** Whether it is cut off for good, or for longer than a moment. */
function useIsCut({ state }: Status): boolean {
  const [isLong, setLong] = useState(false);
  const isAway = state === "waiting" || state === "connecting";
  useEffect(() => {
    if (!isAway) {
      setLong(false);
      return;
    }
    const timer = setTimeout(() => setLong(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [isAway]);
  return state === "closed" || (isAway && isLong);
}

/** Seen, not heard: a screen reader would say each second anew. */
function Countdown({ until, t }: { until: number; t: Translate }): VNode | null {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.ceil((until - now) / 1000);
  if (seconds < 2) return null;
  return <span aria-hidden="true"> {t("shell.bar.again", { count: seconds })}</span>;
}
