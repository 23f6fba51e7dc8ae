import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Avatar } from "../ui/Avatar.js";
import { Button } from "../ui/Button.js";
import { Icon } from "../ui/Icon.js";
import { useName } from "../ui/people.js";
import { useAct } from "./act.js";
import { Empty } from "./Empty.js";
import { FindField } from "./NewPanel.js";
import { useFinding } from "./useFinding.js";

// What the server takes.
const LONGEST_TITLE = 200;

/** A group: what it is called, and who of one's connections is in it. */
export function NewGroup(): VNode {
  const { client, t } = useSession();
  const go = useGo();
  const { act, isBusy } = useAct();
  const [title, setTitle] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const isReady = title.trim() !== "" && chosen.length > 0;
  const create = async (): Promise<void> => {
    if (!isReady) return;
    await act(async () => {
      const group = await client.call("POST /v1/conversations", {
        body: { kind: "group", title: title.trim(), user_ids: [...chosen] },
      });
      go({ conversationId: group.id, panel: null });
    });
  };
  return (
    <form
      class="panels-group"
      onSubmit={(event) => {
        event.preventDefault();
        void create();
      }}
    >
      <label class="ui-field">
        <span>{t("new.group.title")}</span>
        <input
          class="ui-input"
          dir="auto"
          maxLength={LONGEST_TITLE}
          value={title}
          onInput={(event) => setTitle(event.currentTarget.value)}
        />
      </label>
      <Choosing chosen={chosen} onChange={setChosen} />
      <div class="panels-feet">
        <p class="ui-hint" role="status">
          {isReady ? "" : t("new.group.need")}
        </p>
        <Button kind="main" type="submit" disabled={!isReady || isBusy}>
          {t("new.group.create")}
        </Button>
      </div>
    </form>
  );
}

interface ChoosingProps {
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
  /** Who is there already. */
  without?: readonly string[];
}

/** Choose some of one's connections. */
export function Choosing({ chosen, onChange, without = [] }: ChoosingProps): VNode {
  const { t } = useSession();
  const [q, setQ] = useState("");
  const { yours } = useFinding(q);
  const people = yours.filter((id) => !without.includes(id));
  const toggle = (id: string): void =>
    onChange(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);
  return (
    <fieldset class="panels-choosing">
      <legend class="ui-label">{t("new.group.people")}</legend>
      <p class="ui-hint">{t("new.group.help")}</p>
      {chosen.length > 0 && (
        <ul class="panels-chips">
          {chosen.map((id) => (
            <Chip key={id} userId={id} onRemove={() => toggle(id)} />
          ))}
        </ul>
      )}
      <FindField value={q} onInput={setQ} />
      {people.length === 0 && (
        <Empty
          icon="people"
          title={q.trim() ? t("new.none", { q: q.trim() }) : t("requests.connections.empty")}
        />
      )}
      <ul class="panels-options">
        {people.map((id) => (
          <Option key={id} userId={id} isChosen={chosen.includes(id)} onToggle={() => toggle(id)} />
        ))}
      </ul>
    </fieldset>
  );
}

function Chip({ userId, onRemove }: { userId: string; onRemove: () => void }): VNode {
  const { t } = useSession();
  const name = useName(userId);
  return (
    <li>
      <button
        type="button"
        class="panels-chip"
        aria-label={t("new.group.remove", { name })}
        onClick={onRemove}
      >
        <Avatar userId={userId} name={name} size="small" />
        <span dir="auto">{name}</span>
        <Icon name="close" />
      </button>
    </li>
  );
}

interface OptionProps {
  userId: string;
  isChosen: boolean;
  onToggle: () => void;
}

function Option({ userId, isChosen, onToggle }: OptionProps): VNode {
  const name = useName(userId);
  return (
    <li>
      <label class="panels-option">
        <Avatar userId={userId} name={name} size="small" />
        <span dir="auto">{name}</span>
        <input type="checkbox" checked={isChosen} onChange={onToggle} />
      </label>
    </li>
  );
}
