import type { CallboardProblem } from "@callboard/client";
import type { VNode } from "preact";
import { isKey, type Translate } from "../i18n.js";
import { useSession } from "../session.js";
import { Button } from "./Button.js";

/** A refusal or a fault in plain words, in the reader's language. */
export function problemText(problem: CallboardProblem, t: Translate): string {
  const key = `problem.${problem.code}`;
  return t(isKey(key) ? key : "problem.other", { detail: problem.message });
}

/** A fault in place of what could not be shown, with the way out. */
export function Problem(props: { problem: CallboardProblem; onRetry?: () => void }): VNode {
  const { t } = useSession();
  return (
    <div class="ui-problem" role="alert">
      <p>{problemText(props.problem, t)}</p>
      {props.onRetry && (
        <Button size="small" onClick={props.onRetry}>
          {t("ui.retry")}
        </Button>
      )}
    </div>
  );
}
