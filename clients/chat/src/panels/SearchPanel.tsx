import type { FoundMessage } from "@callboard/client";
import { usePerson } from "@callboard/client/react";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useGo, useRoute } from "../route.js";
import { useSession } from "../session.js";
import { Avatar } from "../ui/Avatar.js";
import { Button, IconButton } from "../ui/Button.js";
import { Icon } from "../ui/Icon.js";
import { Panel } from "../ui/Panel.js";
import { nameOf } from "../ui/people.js";
import { Problem } from "../ui/problem.js";
import { brief, fully } from "../ui/time.js";
import { useConversation, useHeading } from "./conversation.js";
import { Bones, Empty } from "./Empty.js";
import { type Search, useSearch } from "./useSearch.js";

/** What was said, found by its words. */
export function SearchPanel(): VNode {
  const { t } = useSession();
  const { conversationId } = useRoute();
  const [q, setQ] = useState("");
  const [isEverywhere, setEverywhere] = useState(conversationId === null);
  const here = isEverywhere ? null : conversationId;
  const search = useSearch(q, here);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => field.current?.focus(), []);
  const clear = (): void => {
    setQ("");
    field.current?.focus();
  };
  return (
    <Panel title={t("search.title")}>
      <div class="panels-search">
        <div class="panels-search-field">
          <Icon name="search" />
          <input
            ref={field}
            class="ui-input"
            type="search"
            dir="auto"
            autocomplete="off"
            enterkeyhint="search"
            aria-label={t("search.field")}
            placeholder={t("search.hint")}
            value={q}
            onInput={(event) => setQ(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "ArrowDown") {
                event.preventDefault();
                step(list.current, 1);
              } else if (event.key === "Escape" && q !== "") {
                event.preventDefault();
                clear();
              }
            }}
          />
          {q !== "" && <IconButton icon="close" label={t("search.clear")} onClick={clear} />}
        </div>
        {conversationId !== null && <Scope isEverywhere={isEverywhere} onChoose={setEverywhere} />}
        <p class="ui-hint panels-search-count" role="status">
          {countOf(search, t)}
        </p>
      </div>
      {search.problem && <Problem problem={search.problem} onRetry={search.again} />}
      {search.isLoading && search.items === null && <Bones count={4} />}
      {q.trim() === "" && (
        <Empty icon="search" title={t("search.start")} help={t("search.start.help")} />
      )}
      {search.items?.length === 0 && (
        <Empty icon="search" title={t("search.none", { q: q.trim() })} help={t("search.none.help")}>
          {here !== null && (
            <Button onClick={() => setEverywhere(true)}>{t("search.none.everywhere")}</Button>
          )}
        </Empty>
      )}
      <ul
        class={search.isLoading ? "panels-found panels-found-old" : "panels-found"}
        ref={list}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          event.preventDefault();
          if (!step(list.current, event.key === "ArrowDown" ? 1 : -1)) field.current?.focus();
        }}
      >
        {search.items?.map((found) => (
          <Found key={found.id} found={found} isElsewhere={here === null} />
        ))}
      </ul>
      {search.hasMore && (
        <div class="panels-more">
          <Button disabled={search.isLoading} onClick={search.more}>
            {t("panel.more")}
          </Button>
        </div>
      )}
    </Panel>
  );
}

function countOf(search: Search, t: ReturnType<typeof useSession>["t"]): string {
  const count = search.items?.length ?? 0;
  if (count === 0 || search.isLoading) return "";
  return t(search.hasMore ? "search.found.first" : "search.found", { count });
}

/** Move along what was found; tells whether there was something to move to. */
function step(list: HTMLElement | null, by: 1 | -1): boolean {
  const rows = [...(list?.querySelectorAll<HTMLElement>("button") ?? [])];
  const next = rows.findIndex((row) => row.matches(":focus")) + by;
  const row = rows[Math.min(next, rows.length - 1)];
  row?.focus();
  return row !== undefined;
}

function Scope(props: { isEverywhere: boolean; onChoose: (is: boolean) => void }): VNode {
  const { t } = useSession();
  return (
    <fieldset class="panels-scope">
      <legend class="unseen">{t("search.scope")}</legend>
      {[false, true].map((is) => (
        <label key={String(is)}>
          <input
            type="radio"
            name="scope"
            checked={props.isEverywhere === is}
            onChange={() => props.onChoose(is)}
          />
          <span>{t(is ? "search.everywhere" : "search.here")}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Found({ found, isElsewhere }: { found: FoundMessage; isElsewhere: boolean }): VNode {
  const { me, t, locale } = useSession();
  const go = useGo();
  const sender = usePerson(found.sender_id);
  const conversation = useConversation(isElsewhere ? found.conversation_id : null);
  const { title } = useHeading(conversation);
  const isMine = found.sender_id === me;
  // Between two, it is the other's anyway.
  const where = conversation?.kind === "direct" ? isMine && "search.to" : "search.in";
  const name = isMine ? t("search.you") : nameOf(sender, t);
  const isPhone = (): boolean => matchMedia("(max-width: 60rem)").matches;
  const open = (): void =>
    go({
      conversationId: found.conversation_id,
      seq: found.seq,
      // Where the panel covers the thread it goes; beside it, it stays for the next one.
      panel: isPhone() ? null : "search",
    });
  return (
    <li>
      <button type="button" class="panels-hit" onClick={open}>
        <Avatar userId={found.sender_id} size="small" />
        <span class="panels-hit-words">
          <span class="panels-hit-head">
            <b dir="auto">{name}</b>
            {isElsewhere && conversation && where && (
              <span class="panels-hit-where" dir="auto">
                {t(where, { title })}
              </span>
            )}
            <time dateTime={found.sent_at} title={fully(found.sent_at, locale)}>
              {brief(found.sent_at, locale, t)}
            </time>
          </span>
          <span class="panels-hit-text" dir="auto">
            {found.highlight.map((part, index) =>
              part.is_match ? <mark key={index}>{part.text}</mark> : part.text,
            )}
          </span>
        </span>
      </button>
    </li>
  );
}
