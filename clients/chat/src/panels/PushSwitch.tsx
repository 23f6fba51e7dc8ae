import { Problem } from "@callboard/client";
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useSession } from "../session.js";
import { problemText } from "../ui/problem.js";
import { useNotify } from "../ui/Toast.js";
import { disablePush, enablePush, type PushState, pushState } from "../worker/push.js";
import { Setting, Switch } from "./Switch.js";

/** Push on this very device, which its browser has to allow. */
export function PushSwitch(): VNode | null {
  const session = useSession();
  const { t } = session;
  const notify = useNotify();
  const [state, setState] = useState<PushState | null>(null);
  const [isBusy, setBusy] = useState(false);

  useEffect(() => {
    let isOver = false;
    void pushState(session).then((found) => !isOver && setState(found));
    return () => {
      isOver = true;
    };
  }, [session]);

  if (state === null) return null;
  const change = async (isOn: boolean): Promise<void> => {
    setBusy(true);
    try {
      if (!isOn) await disablePush(session);
      const next = isOn ? await enablePush(session) : "off";
      setState(next);
      if (next === "on" || !isOn) notify(t(isOn ? "push.enabled" : "push.disabled"));
    } catch (error) {
      setState(await pushState(session));
      notify(t("panel.refused", { reason: problemText(Problem.of(error), t) }));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="panels-settings panels-settings-first">
      <Setting label={t("push.title")} help={t(`push.${state}`)}>
        <Switch
          isOn={state === "on"}
          disabled={isBusy || state === "unsupported" || state === "denied"}
          onChange={(isOn) => void change(isOn)}
        />
      </Setting>
    </div>
  );
}
