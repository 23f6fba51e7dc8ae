import type { VNode } from "preact";
import { DetailsPanel } from "../panels/DetailsPanel.js";
import { NewPanel } from "../panels/NewPanel.js";
import { NotificationsPanel } from "../panels/NotificationsPanel.js";
import { PreferencesPanel } from "../panels/PreferencesPanel.js";
import { RequestsPanel } from "../panels/RequestsPanel.js";
import { SearchPanel } from "../panels/SearchPanel.js";
import type { PanelName } from "../route.js";

interface PanelPartProps {
  panel: PanelName;
  conversationId: string | null;
}

/** The panel that is open, beside the thread or over it. */
export function PanelPart({ panel, conversationId }: PanelPartProps): VNode {
  return (
    <div class="shell-panel">
      <Chosen panel={panel} conversationId={conversationId} />
    </div>
  );
}

function Chosen({ panel, conversationId }: PanelPartProps): VNode | null {
  switch (panel) {
    case "notifications":
      return <NotificationsPanel />;
    case "preferences":
      return <PreferencesPanel />;
    case "requests":
      return <RequestsPanel />;
    case "search":
      return <SearchPanel />;
    case "new":
      return <NewPanel />;
    case "details":
      return conversationId ? (
        <DetailsPanel key={conversationId} conversationId={conversationId} />
      ) : null;
  }
}
