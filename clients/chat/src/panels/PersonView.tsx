import { usePerson, useStore } from "@callboard/client/react";
import type { VNode } from "preact";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Drafts } from "../thread/drafts.js";
import { Avatar } from "../ui/Avatar.js";
import { Button } from "../ui/Button.js";
import { usePresenceWords } from "../ui/Presence.js";
import { useName } from "../ui/people.js";
import { useAct } from "./act.js";
import { Empty } from "./Empty.js";
import { useStanding } from "./permission.js";
import { WhyNot } from "./WhyNot.js";

// What a message may have.
const LONGEST = 8000;

/**
 * Somebody with whom there is no conversation yet: who they are, and either where to write
 * the first message, which opens it, or why one cannot.
 */
export function PersonView({ userId }: { userId: string }): VNode {
  const { t } = useSession();
  const person = usePerson(userId);
  const presence = usePresenceWords(userId);
  const name = useName(userId);
  const standing = useStanding({ userId });
  if (person === null) {
    return (
      <div class="panels-profile">
        <Empty icon="person" title={t("person.gone")} help={t("person.gone.help")} />
      </div>
    );
  }
  return (
    <div class="panels-profile">
      <Avatar userId={userId} name={name} size="large" presence />
      <h3 class="panels-profile-name" dir="auto">
        {name}
      </h3>
      {person?.handle && (
        <p class="panels-profile-handle" dir="ltr">
          @{person.handle}
        </p>
      )}
      {person?.headline && <p dir="auto">{person.headline}</p>}
      {presence && <p class="ui-hint">{presence}</p>}
      <WhyNot userId={userId} />
      {standing?.mayWrite && <FirstMessage userId={userId} name={name} />}
    </div>
  );
}

/** Where the first message is written: sending it opens the conversation. */
function FirstMessage({ userId, name }: { userId: string; name: string }): VNode {
  const { client, me, t } = useSession();
  const go = useGo();
  const { act, isBusy } = useAct();
  // Kept as that of a thread is: what one writes to somebody outlives a look elsewhere.
  const drafts = Drafts.of(client, me);
  const draft = drafts.in(userId);
  const { body } = useStore(draft);
  const send = (): void => {
    const text = body.trim();
    if (text === "" || isBusy) return;
    void act(async () => {
      const thread = await client.openDirect(userId);
      thread.send({ body: text });
      draft.clear();
      // The conversation may have come first, and taken the draft along.
      const moved = drafts.in(thread.id);
      if (moved.get().body.trim() === text) moved.clear();
      go({ conversationId: thread.id }, { replace: true });
    });
  };
  return (
    <form
      class="panels-first"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        class="ui-input"
        rows={3}
        dir="auto"
        maxLength={LONGEST}
        aria-label={t("person.first", { name })}
        placeholder={t("person.first", { name })}
        value={body}
        onInput={(event) => draft.write(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <Button kind="main" icon="send" type="submit" disabled={isBusy || body.trim() === ""}>
        {t("person.send")}
      </Button>
    </form>
  );
}
