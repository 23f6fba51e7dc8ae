import type { Connection } from "@callboard/client";
import { useConnections } from "@callboard/client/react";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import type { IconName } from "../ui/Icon.js";
import { Panel } from "../ui/Panel.js";
import { Problem } from "../ui/problem.js";
import { useAct } from "./act.js";
import { Bones, Empty } from "./Empty.js";
import { Blocked, Connected, Received, Sent } from "./RequestRows.js";
import { Tabs } from "./Tabs.js";

const TABS = ["received", "sent", "connections", "blocked"] as const;
type View = (typeof TABS)[number];

const ICONS: Readonly<Record<View, IconName>> = {
  received: "inbox",
  sent: "send",
  connections: "people",
  blocked: "block",
};

/** Who asks, whom one has asked, to whom one is connected, and whom one blocks. */
export function RequestsPanel(): VNode {
  const { client, me, t } = useSession();
  const state = useConnections();
  const { act } = useAct();
  const links = sorted(state.items, me);
  const [view, setView] = useState<View>("received");
  const count = view === "blocked" ? state.blocked.size : links[view].length;
  const isWaiting = !state.isLoaded && !state.problem;
  return (
    <Panel title={t("requests.title")}>
      <Tabs
        label={t("requests.tabs")}
        tabs={TABS.map((key) => ({
          key,
          label: t(`requests.${key}`),
          ...(key === "received" ? { count: links.received.length } : {}),
        }))}
        chosen={view}
        onChoose={setView}
      >
        {state.problem && (
          <Problem
            problem={state.problem}
            onRetry={() => void act(() => client.connections.load())}
          />
        )}
        {isWaiting && <Bones />}
        {state.isLoaded && count === 0 && <Nobody view={view} />}
        <ul class="panels-people">
          {view === "blocked"
            ? [...state.blocked].map((id) => <Blocked key={id} userId={id} />)
            : links[view].map((link) => <Row key={link.id} view={view} link={link} />)}
        </ul>
      </Tabs>
    </Panel>
  );
}

function Row({ view, link }: { view: Exclude<View, "blocked">; link: Connection }): VNode {
  if (view === "received") return <Received link={link} />;
  return view === "sent" ? <Sent link={link} /> : <Connected link={link} />;
}

function Nobody({ view }: { view: View }): VNode {
  const { t } = useSession();
  const go = useGo();
  return (
    <Empty
      icon={ICONS[view]}
      title={t(`requests.${view}.empty`)}
      help={t(`requests.${view}.empty.help`)}
    >
      {(view === "sent" || view === "connections") && (
        <Button icon="person-add" onClick={() => go({ panel: "new" })}>
          {t("requests.find")}
        </Button>
      )}
    </Empty>
  );
}

type Sorted = Readonly<Record<Exclude<View, "blocked">, readonly Connection[]>>;

/** The newest first, each where it belongs; what has ended is nowhere. */
function sorted(items: readonly Connection[], me: string): Sorted {
  const newest = [...items].sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
  const pending = newest.filter((link) => link.status === "pending");
  return {
    received: pending.filter((link) => link.recipient_id === me),
    sent: pending.filter((link) => link.requester_id === me),
    connections: newest.filter((link) => link.status === "accepted"),
  };
}
