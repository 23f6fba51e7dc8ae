import type { VNode } from "preact";
import { ThreadHeader } from "../panels/ThreadHeader.js";
import type { Route } from "../route.js";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { ThreadView } from "../thread/ThreadView.js";
import { Button, IconButton } from "../ui/Button.js";
import { Icon } from "../ui/Icon.js";
import { Stranger } from "./Stranger.js";

/** What stands in the middle: a thread, somebody without one, or what to do. */
export function MainPart({ route }: { route: Route }): VNode {
  const { conversationId, userId } = route;
  if (conversationId) {
    return (
      <>
        <div class="shell-main-head">
          <Back />
          <ThreadHeader conversationId={conversationId} />
        </div>
        <ThreadView key={conversationId} conversationId={conversationId} />
      </>
    );
  }
  return userId ? <Stranger key={userId} userId={userId} /> : <Nothing />;
}

/** From the thread to the list, where they are not beside each other. */
export function Back(): VNode {
  const { t } = useSession();
  const go = useGo();
  return (
    <span class="shell-back">
      <IconButton
        icon="back"
        label={t("shell.back")}
        onClick={() => go({ conversationId: null, userId: null, panel: null })}
      />
    </span>
  );
}

function Nothing(): VNode {
  const { t } = useSession();
  const go = useGo();
  return (
    <div class="ui-empty shell-nothing">
      <Icon name="message" />
      <h2>{t("shell.nothing.title")}</h2>
      <p>{t("shell.nothing.help")}</p>
      <Button icon="plus" onClick={() => go({ panel: "new" })}>
        {t("shell.new")}
      </Button>
    </div>
  );
}
