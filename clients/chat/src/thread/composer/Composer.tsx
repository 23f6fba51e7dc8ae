import { Problem, type Thread, type ThreadState } from "@callboard/client";
import { useStore } from "@callboard/client/react";
import type { RefObject, VNode } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { useSession } from "../../session.js";
import { IconButton } from "../../ui/Button.js";
import { Icon } from "../../ui/Icon.js";
import { useName } from "../../ui/people.js";
import { problemText } from "../../ui/problem.js";
import { useNotify } from "../../ui/Toast.js";
import type { Draft } from "../draft.js";
import { EmojiPicker } from "../EmojiPicker.js";
import { lastEditable } from "../rows.js";
import { EditBar, ReplyBar } from "./Bar.js";
import { Files } from "./Files.js";
import { MentionList } from "./MentionList.js";
import { useFiles } from "./useFiles.js";
import { useMentions } from "./useMentions.js";
import { useReplied } from "./useReplied.js";

interface ComposerProps {
  thread: Thread;
  state: ThreadState;
  draft: Draft;
  field: RefObject<HTMLTextAreaElement | null>;
  onSent: () => void;
}

/** So much the server takes in one message. */
const MOST_CHARS = 8000;
/** From here on it is said how much is left. */
const COUNTED_FROM = 500;

/** Where one writes. */
export function Composer({ thread, state, draft, field, onSent }: ComposerProps): VNode {
  const { t, me, client } = useSession();
  const notify = useNotify();
  const id = useId();
  const writing = useStore(draft);
  const isAway = useStore(client.status, ({ state: now }) => now === "waiting");
  const take = useFiles(draft, thread);
  const picker = useRef<HTMLInputElement>(null);
  const caret = useRef<number | null>(null);
  const { edit, files } = writing;
  const text = edit === null ? writing.body : edit.body;
  const mentions = useMentions(state, text);
  const replied = useReplied(thread.id, state, edit === null ? writing.replySeq : null);
  const left = MOST_CHARS - [...text.trim()].length;
  const isWaiting = files.some((each) => each.attachment === null && each.problem === null);
  const isBroken = files.some((each) => each.problem !== null);
  const ready = files.flatMap(({ attachment }) => (attachment === null ? [] : [attachment]));
  const isSomething = text.trim() !== "" || (edit === null && ready.length > 0);
  const canSend = isSomething && left >= 0 && (edit !== null || !(isWaiting || isBroken));
  const placeholder = usePlaceholder(state);

  useLayoutEffect(() => {
    const box = field.current;
    if (box === null) return;
    if (caret.current !== null) box.setSelectionRange(caret.current, caret.current);
    caret.current = null;
    if (CSS.supports("field-sizing", "content")) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  });

  const write = (value: string, at: number): void => {
    draft.write(value);
    mentions.look(value, at);
    if (edit !== null) return;
    if (value.trim() === "") thread.stopTyping();
    else thread.typing();
  };

  const put = ([value, at]: [string, number]): void => {
    draft.write(value);
    caret.current = at;
    field.current?.focus();
  };

  const insert = (what: string): void => {
    const box = field.current;
    const [from, to] = [box?.selectionStart ?? text.length, box?.selectionEnd ?? text.length];
    put([text.slice(0, from) + what + text.slice(to), from + what.length]);
  };

  const save = async (messageId: string, body: string): Promise<void> => {
    draft.edit(null);
    try {
      await thread.edit(messageId, body);
    } catch (error) {
      notify(problemText(Problem.of(error), t));
      // What was written is not lost, unless something else is being edited by now.
      if (draft.get().edit === null) draft.edit({ id: messageId, body });
    }
  };

  const submit = (): void => {
    if (edit !== null) {
      if (canSend) void save(edit.id, text.trim());
      return;
    }
    if (!canSend) {
      if (isWaiting) notify(t("composer.files.wait"));
      else if (isBroken) notify(t("composer.files.failed"));
      return;
    }
    try {
      thread.send({
        body: text.trim(),
        ...(ready.length > 0 && { attachments: ready }),
        ...(replied !== null && { replyTo: replied }),
      });
    } catch (error) {
      notify(problemText(Problem.of(error), t));
      return;
    }
    draft.clear();
    mentions.close();
    onSent();
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    // Keys that belong to an input method: 229 is how older ones tell.
    if (event.isComposing || event.keyCode === 229) return;
    const heard = mentions.hear(event);
    if (heard !== null) {
      event.preventDefault();
      if (heard === "taken") takeMention(mentions.chosen);
      return;
    }
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && (edit !== null || writing.replySeq !== null)) {
      event.preventDefault();
      if (edit !== null) draft.edit(null);
      else draft.reply(null);
    } else if (event.key === "ArrowUp" && text === "" && edit === null) {
      const last = lastEditable(state.messages, me);
      if (last === null || state.hasNewer) return;
      event.preventDefault();
      draft.edit(last);
      caret.current = last.body.length;
    }
  };

  const takeMention = (index: number): void => {
    const taken = mentions.take(index);
    if (taken !== null) put(taken);
  };

  const isOffering = mentions.offers.length > 0;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
        field.current?.focus();
      }}
    >
      <MentionList id={`${id}-people`} mentions={mentions} onTake={takeMention} />
      {edit !== null && <EditBar onStop={() => draft.edit(null)} />}
      {edit === null && replied !== null && (
        <ReplyBar message={replied} onStop={() => draft.reply(null)} />
      )}
      {edit === null && <Files files={files} draft={draft} />}
      <div class="composer-line">
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            const { files: chosen } = event.currentTarget;
            if (chosen !== null) take(chosen);
            // The same file can be chosen again.
            event.currentTarget.value = "";
          }}
        />
        <IconButton
          icon="attach"
          label={t("composer.attach")}
          disabled={edit !== null}
          onClick={() => picker.current?.click()}
        />
        <textarea
          ref={field}
          class="composer-field"
          rows={1}
          dir="auto"
          enterkeyhint="send"
          aria-label={t("composer.label")}
          aria-describedby={`${id}-left`}
          aria-autocomplete="list"
          aria-controls={isOffering ? `${id}-people` : undefined}
          aria-activedescendant={isOffering ? `${id}-people-${mentions.chosen}` : undefined}
          placeholder={placeholder}
          value={text}
          onInput={(event) => {
            const { value, selectionStart } = event.currentTarget;
            write(value, selectionStart);
          }}
          onKeyDown={onKeyDown}
          onSelect={(event) => {
            if (isOffering) mentions.look(text, event.currentTarget.selectionStart);
          }}
          onBlur={() => {
            mentions.close();
            thread.stopTyping();
          }}
          onPaste={(event) => {
            const given = event.clipboardData;
            // Events that scripts make may hold nothing. What offices copy is text first,
            // with a picture of it.
            if (edit !== null || !given || given.types.includes("text/plain")) return;
            if (given.files.length === 0) return;
            event.preventDefault();
            take(given);
          }}
        />
        <EmojiPicker label={t("thread.emoji")} onPick={insert} />
        <button
          type="submit"
          class="composer-send"
          aria-label={edit === null ? t("composer.send") : t("composer.save")}
          title={edit === null ? t("composer.send") : t("composer.save")}
          aria-disabled={!canSend}
        >
          <Icon name={edit === null ? "send" : "check"} />
        </button>
      </div>
      <div class="composer-foot">
        <span
          id={`${id}-left`}
          class={left < 0 ? "composer-left composer-left-over" : "composer-left"}
          role={left < 0 ? "alert" : undefined}
        >
          {left < 0 && t("composer.over", { count: -left })}
          {left >= 0 && left < COUNTED_FROM && t("composer.left", { count: left })}
        </span>
        {isAway && text !== "" && <span role="status">{t("composer.offline")}</span>}
      </div>
    </form>
  );
}

/** Whom one writes to, where that is one person. */
function usePlaceholder(state: ThreadState): string {
  const { t, me } = useSession();
  const { conversation } = state;
  const other =
    conversation?.kind === "direct"
      ? (conversation.participants.find((each) => each.user_id !== me)?.user_id ?? null)
      : null;
  const name = useName(other);
  return other === null || name === "…"
    ? t("composer.placeholder")
    : t("composer.placeholder.to", { name });
}
