import type { Conversation } from "@callboard/client";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import { useAct } from "./act.js";

// What the server takes.
const LONGEST = 200;

interface RenameProps {
  conversation: Conversation;
  canChooseWriters: boolean;
}

/** What its owners change about a conversation for everybody: its name, and who writes. */
export function Rename({ conversation, canChooseWriters }: RenameProps): VNode {
  const { client, t } = useSession();
  const { act, isBusy } = useAct();
  const [title, setTitle] = useState(conversation.title ?? "");
  const { id } = conversation;
  const wanted = title.trim();
  const isNew = wanted !== "" && wanted !== conversation.title;
  return (
    <form
      class="panels-rename"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isNew) return;
        void act(() => client.conversations.arrange(id, { title: wanted }), t("details.renamed"));
      }}
    >
      <label class="ui-field">
        <span>{t("details.name")}</span>
        <span class="panels-beside">
          <input
            class="ui-input"
            dir="auto"
            maxLength={LONGEST}
            value={title}
            onInput={(event) => setTitle(event.currentTarget.value)}
          />
          <Button type="submit" disabled={!isNew || isBusy}>
            {t("details.rename.save")}
          </Button>
        </span>
      </label>
      {canChooseWriters && (
        <label class="ui-field">
          <span>{t("details.writers")}</span>
          <select
            class="ui-select"
            value={conversation.writers}
            disabled={isBusy}
            onChange={(event) => {
              const writers = event.currentTarget.value === "owners" ? "owners" : "members";
              void act(() => client.conversations.arrange(id, { writers }), t("prefs.saved"));
            }}
          >
            <option value="members">{t("details.writers.members")}</option>
            <option value="owners">{t("details.writers.owners")}</option>
          </select>
        </label>
      )}
    </form>
  );
}
