import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useSession } from "../session.js";
import { Panel } from "../ui/Panel.js";
import { Problem } from "../ui/problem.js";
import { Bones } from "./Empty.js";
import { Matrix } from "./Matrix.js";
import { Privacy } from "./Privacy.js";
import { PushSwitch } from "./PushSwitch.js";
import { Quiet } from "./Quiet.js";
import { Tabs } from "./Tabs.js";
import { type Saved, useSaved } from "./useSaved.js";

const TABS = ["told", "quiet", "privacy"] as const;

/** How one is told, when one is left in peace, and what others see of one. */
export function PreferencesPanel(): VNode {
  const { t } = useSession();
  const [view, setView] = useState<(typeof TABS)[number]>("told");
  return (
    <Panel title={t("prefs.title")}>
      <Tabs
        label={t("prefs.tabs")}
        tabs={TABS.map((key) => ({ key, label: t(`prefs.${key}`) }))}
        chosen={view}
        onChoose={setView}
      >
        {view === "told" && <Told />}
        {view === "quiet" && <QuietHours />}
        {view === "privacy" && <Shown />}
      </Tabs>
    </Panel>
  );
}

function Told(): VNode {
  const { client } = useSession();
  const saved = useSaved(
    () => client.call("GET /v1/notification-preferences"),
    (change: Change) =>
      client.call("PUT /v1/notification-preferences", { body: { preferences: change } }),
  );
  return (
    <>
      <PushSwitch />
      <Loaded saved={saved}>{(value) => <Matrix value={value} save={saved.save} />}</Loaded>
    </>
  );
}

type Change = Parameters<Parameters<typeof Matrix>[0]["save"]>[0];

function QuietHours(): VNode {
  const { client } = useSession();
  const saved = useSaved(
    () => client.call("GET /v1/quiet-hours"),
    (change: Parameters<Parameters<typeof Quiet>[0]["save"]>[0]) =>
      client.call("PUT /v1/quiet-hours", { body: change }),
  );
  return <Loaded saved={saved}>{(value) => <Quiet value={value} save={saved.save} />}</Loaded>;
}

function Shown(): VNode {
  const { client } = useSession();
  const saved = useSaved(
    () => client.call("GET /v1/privacy"),
    (change: Parameters<Parameters<typeof Privacy>[0]["save"]>[0]) =>
      client.call("PUT /v1/privacy", { body: change }),
  );
  return <Loaded saved={saved}>{(value) => <Privacy value={value} save={saved.save} />}</Loaded>;
}

interface LoadedProps<T, C> {
  saved: Saved<T, C>;
  children: (value: T) => VNode;
}

/** Settings once they are there, with a word on whether they are saved. */
function Loaded<T, C>({ saved, children }: LoadedProps<T, C>): VNode {
  const { t } = useSession();
  const { value, problem, state, again } = saved;
  if (problem) return <Problem problem={problem} onRetry={again} />;
  return (
    <>
      {value === null ? <Bones count={6} /> : children(value)}
      <p class={`panels-saved panels-saved-${state}`} role="status">
        {state === "saved" && t("prefs.saved")}
        {state === "saving" && t("prefs.saving")}
      </p>
    </>
  );
}
