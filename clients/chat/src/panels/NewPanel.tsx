import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Icon } from "../ui/Icon.js";
import { Panel } from "../ui/Panel.js";
import { Bones, Empty } from "./Empty.js";
import { NewGroup } from "./NewGroup.js";
import { PersonRow } from "./PersonRow.js";
import { Tabs } from "./Tabs.js";
import { useFinding } from "./useFinding.js";

/** Begin something: with a person, or a group of them. */
export function NewPanel(): VNode {
  const { t } = useSession();
  const [view, setView] = useState<"person" | "group">("person");
  return (
    <Panel title={t("new.title")}>
      <Tabs
        label={t("new.tabs")}
        tabs={[
          { key: "person", label: t("new.person") },
          { key: "group", label: t("new.group") },
        ]}
        chosen={view}
        onChoose={setView}
      >
        {view === "person" ? <FindPerson /> : <NewGroup />}
      </Tabs>
    </Panel>
  );
}

function FindPerson(): VNode {
  const go = useGo();
  const [q, setQ] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <>
      <div class="panels-search">
        <FindField value={q} onInput={setQ} fieldRef={field} />
      </div>
      <People q={q} onChoose={(userId) => go({ userId, panel: null })} />
    </>
  );
}

interface FieldProps {
  value: string;
  onInput: (text: string) => void;
  fieldRef?: { current: HTMLInputElement | null };
}

/** Where one types whom one looks for. */
export function FindField({ value, onInput, fieldRef }: FieldProps): VNode {
  const { t } = useSession();
  return (
    <div class="panels-search-field">
      <Icon name="search" />
      <input
        ref={fieldRef ?? null}
        class="ui-input"
        type="search"
        dir="auto"
        autocomplete="off"
        aria-label={t("new.find")}
        placeholder={t("new.find.hint")}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  );
}

/** Who is found by what was typed: one's own connections first. */
export function People(props: { q: string; onChoose: (userId: string) => void }): VNode {
  const { t } = useSession();
  const { yours, others, isLoading } = useFinding(props.q);
  const q = props.q.trim();
  const isNobody = yours.length === 0 && others.length === 0;
  const row = (id: string): VNode => (
    <PersonRow key={id} userId={id} onOpen={() => props.onChoose(id)} />
  );
  return (
    <>
      {isNobody && isLoading && <Bones count={4} />}
      {isNobody && !isLoading && q === "" && (
        <Empty icon="people" title={t("new.start")} help={t("new.start.help")} />
      )}
      <p class="unseen" role="status">
        {isNobody && !isLoading && q !== "" ? t("new.none", { q }) : ""}
      </p>
      {isNobody && !isLoading && q !== "" && (
        <Empty icon="person" title={t("new.none", { q })} help={t("search.none.help")} />
      )}
      {yours.length > 0 && (
        <section>
          <h3 class="panels-section">{t("new.yours")}</h3>
          <ul class="panels-people panels-people-close">{yours.map(row)}</ul>
        </section>
      )}
      {others.length > 0 && (
        <section>
          <h3 class="panels-section">{t("new.found")}</h3>
          <ul class="panels-people panels-people-close">{others.map(row)}</ul>
        </section>
      )}
    </>
  );
}
