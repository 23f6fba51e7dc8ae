import { useConversations } from "@callboard/client/react";
import type { VNode } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useGo, useRoute } from "../route.js";
import { useSession } from "../session.js";
import { Problem } from "../ui/problem.js";
import { EmptyList } from "./EmptyList.js";
import { Filters } from "./Filters.js";
import { type Filter, isShown } from "./filters.js";
import { rowAfter } from "./keys.js";
import { ListSkeleton } from "./ListSkeleton.js";
import { MoreRows } from "./MoreRows.js";
import { Row } from "./Row.js";
import { useToday } from "./today.js";

const NOBODY: readonly string[] = [];

/** The conversations, newest activity first, with what waits in each. */
export function ConversationList(): VNode {
  const { client, t } = useSession();
  const list = useConversations();
  const route = useRoute();
  const go = useGo();
  const today = useToday();
  const [filter, setFilter] = useState<Filter>("all");
  const [stop, setStop] = useState<string | null>(null);
  const rows = useRef<HTMLUListElement>(null);

  // What is open stays in sight: read, it would vanish from "unread" under the reader's eyes.
  const shown = list.items.filter(
    (each) => isShown(each, filter) || (filter === "unread" && each.id === route.conversationId),
  );
  const isThere = (id: string | null): boolean => shown.some((each) => each.id === id);
  const stopId = [stop, route.conversationId].find(isThere) ?? shown[0]?.id ?? null;

  const open = useCallback(
    (conversationId: string) => {
      setStop(conversationId);
      go({ conversationId });
    },
    [go],
  );

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const next = rowAfter(
      event.key,
      shown.findIndex((each) => each.id === stopId),
      shown.length,
    );
    const id = next === null ? undefined : shown[next]?.id;
    if (id === undefined) return;
    event.preventDefault();
    setStop(id);
    rows.current?.querySelector<HTMLElement>(`[data-id="${id}"]`)?.focus();
  };

  useRevealed(rows, route.conversationId, list.isLoaded);

  const more = useCallback(() => client.conversations.more(), [client]);
  const isEmpty = shown.length === 0;
  return (
    <>
      <Filters filter={filter} onChoose={setFilter} />
      <div class="list-scroll">
        {list.problem && <Problem problem={list.problem} onRetry={() => void more()} />}
        <ul class="list-rows" aria-label={t("list.title")} ref={rows} onKeyDown={onKeyDown}>
          {shown.map((each) => (
            <Row
              key={each.id}
              conversation={each}
              typing={list.typing.get(each.id) ?? NOBODY}
              isCurrent={each.id === route.conversationId}
              isStop={each.id === stopId}
              today={today}
              onOpen={open}
            />
          ))}
        </ul>
        {!list.isLoaded && !list.problem && <ListSkeleton label={t("ui.loading")} />}
        {list.isLoaded && isEmpty && !list.hasMore && <EmptyList filter={filter} />}
        {list.isLoaded && list.hasMore && !list.problem && (
          <MoreRows key={filter} isLoading={list.isLoading} more={more} />
        )}
      </div>
    </>
  );
}

/** Bring the row of what was opened from elsewhere into sight. */
function useRevealed(
  rows: { readonly current: HTMLElement | null },
  conversationId: string | null,
  isLoaded: boolean,
): void {
  useEffect(() => {
    if (!conversationId || !isLoaded) return;
    rows.current
      ?.querySelector(`[data-id="${CSS.escape(conversationId)}"]`)
      ?.scrollIntoView({ block: "nearest" });
  }, [rows, conversationId, isLoaded]);
}
