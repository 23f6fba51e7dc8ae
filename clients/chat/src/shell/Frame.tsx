import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Translate } from "../i18n.js";
import { ConversationList } from "../list/ConversationList.js";
import { ListSkeleton } from "../list/ListSkeleton.js";
import { useRoute } from "../route.js";
import { useSession } from "../session.js";
import { ListHead } from "./ListHead.js";
import { MainPart } from "./MainPart.js";
import { PanelPart } from "./PanelPart.js";

/**
 * List, thread and panel: beside each other where there is room, and one at a time on a
 * phone. The stylesheet decides by the width of the chat, not of the window.
 */
export function Frame({ bar }: { bar: VNode }): VNode {
  const { t } = useSession();
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const shown = route.conversationId ?? route.userId;
  const before = useRef(shown);
  const list = useRef<HTMLElement>(null);

  useEffect(() => {
    const last = before.current;
    before.current = shown;
    if (last === shown) return;
    // What was pressed may be out of sight now: the focus goes along, never to nowhere.
    if (shown) main.current?.focus();
    else list.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }, [shown]);

  return (
    <div class="shell" data-thread={shown !== null} data-panel={route.panel !== null}>
      <button type="button" class="shell-skip" onClick={() => main.current?.focus()}>
        {t("shell.skip")}
      </button>
      {bar}
      <nav class="shell-list" aria-label={t("list.title")} ref={list}>
        <ListHead />
        <ConversationList />
      </nav>
      <section class="shell-main" aria-label={t("shell.messages")} tabIndex={-1} ref={main}>
        <MainPart route={route} />
      </section>
      {route.panel && <PanelPart panel={route.panel} conversationId={route.conversationId} />}
    </div>
  );
}

/** The frame before it is known whose it is. */
export function WaitingFrame({ t, bar }: { t: Translate; bar?: VNode }): VNode {
  return (
    <div class="shell" data-thread={false} data-panel={false}>
      {bar}
      <nav class="shell-list" aria-label={t("list.title")} aria-busy="true">
        <header class="shell-list-head">
          <span class="ui-bone ui-bone-round" aria-hidden="true" />
          <h2 class="shell-list-title">{t("list.title")}</h2>
        </header>
        <ListSkeleton label={t("ui.loading")} />
      </nav>
      <section class="shell-main" aria-label={t("shell.messages")} />
    </div>
  );
}
