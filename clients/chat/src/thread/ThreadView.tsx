import { useStore } from "@callboard/client/react";
import type { VNode } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useStanding } from "../panels/permission.js";
import { WhyNot } from "../panels/WhyNot.js";
import { useGo, useRoute } from "../route.js";
import { useSession } from "../session.js";
import { useNotify } from "../ui/Toast.js";
import { Composer } from "./composer/Composer.js";
import { DropArea } from "./composer/DropArea.js";
import { ThreadContext } from "./context.js";
import { Drafts } from "./drafts.js";
import { MessageList } from "./MessageList.js";
import { Spots } from "./spots.js";
import { ToNewest } from "./ToNewest.js";
import { TypingLine } from "./TypingLine.js";
import { useActions } from "./useActions.js";
import { useAnnouncement } from "./useAnnouncement.js";
import { isLooking, useReading } from "./useReading.js";
import { useScrolling } from "./useScrolling.js";

/** One conversation: its messages, and where one writes. */
export function ThreadView({ conversationId }: { conversationId: string }): VNode {
  // Another conversation is another view: nothing of the one before stays.
  return <Open key={conversationId} conversationId={conversationId} />;
}

function Open({ conversationId }: { conversationId: string }): VNode {
  const { client, me, t } = useSession();
  const thread = client.thread(conversationId);
  const state = useStore(thread);
  const standing = useStanding(useMemo(() => ({ conversationId }), [conversationId]));
  const draft = useMemo(
    () => Drafts.of(client, me).in(conversationId),
    [client, me, conversationId],
  );
  const notify = useNotify();
  const go = useGo();
  const route = useRoute();
  const wanted = route.conversationId === conversationId ? route.seq : null;
  const field = useRef<HTMLTextAreaElement>(null);
  const [isBegun, setBegun] = useState(false);

  const reading = useReading(thread, state, me);
  const scrolling = useScrolling(thread, state, reading.see);
  const { jump, restore, where, onScroll } = scrolling;
  const focusField = useCallback(() => field.current?.focus(), []);
  const { actions, dialog } = useActions({ thread, draft, jump, focusField });
  const announcement = useAnnouncement(state);

  // Where one begins: the message that was asked for, where one was, or what is new.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, with what holds then
  useLayoutEffect(() => {
    if (!state.isLoaded || isBegun) return;
    const begin = async (): Promise<void> => {
      const { readWhenOpened, conversation } = thread.get();
      const spot = Spots.of(client).get(conversationId);
      const unread = conversation?.unread ?? 0;
      if (wanted !== null) {
        await jump(wanted);
        go({ seq: null }, { replace: true });
      } else if (spot !== null) await restore(spot.seq, { offset: spot.offset });
      else if (unread > 0 && readWhenOpened) await restore(readWhenOpened + 1, { part: 0.25 });
    };
    begin()
      // Without that place there is still the newest.
      .catch(() => notify(t("thread.jump.failed")))
      .finally(() => {
        setBegun(true);
        reading.begin();
      });
  }, [state.isLoaded]);

  useEffect(() => {
    if (wanted === null || !isBegun) return;
    jump(wanted).catch(() => notify(t("thread.jump.failed")));
    go({ seq: null }, { replace: true });
  }, [wanted, isBegun, jump, go, notify, t]);

  useEffect(
    () => () => Spots.of(client).set(conversationId, where()),
    [client, conversationId, where],
  );

  // Coming back to the window is seeing what is in it.
  useEffect(() => {
    const back = (): void => {
      if (isLooking()) onScroll();
    };
    addEventListener("focus", back);
    document.addEventListener("visibilitychange", back);
    return () => {
      removeEventListener("focus", back);
      document.removeEventListener("visibilitychange", back);
    };
  }, [onScroll]);

  const isOpen = standing?.mayWrite ?? false;
  const isDirect = state.conversation?.kind === "direct";
  const open = useMemo(
    () => ({ thread, isDirect, isOpen, actions }),
    [thread, isDirect, isOpen, actions],
  );

  return (
    <ThreadContext.Provider value={open}>
      <DropArea draft={draft} thread={thread} isOpen={standing?.mayWrite ?? true}>
        <div class="thread-messages">
          <MessageList
            state={state}
            scrolling={scrolling}
            newAfter={reading.newAfter}
            onLeave={focusField}
          />
          <ToNewest
            isShown={state.isLoaded && (!scrolling.isAtEnd || state.hasNewer)}
            count={state.conversation?.unread ?? 0}
            onPress={() => void scrolling.toNewest()}
          />
        </div>
        <div class="unseen" role="status">
          {announcement}
        </div>
        <TypingLine typing={state.typing} />
        {standing !== null && !standing.mayWrite ? (
          <WhyNot conversationId={conversationId} />
        ) : (
          <Composer
            thread={thread}
            state={state}
            draft={draft}
            field={field}
            onSent={() => {
              reading.clear();
              void scrolling.toNewest();
            }}
          />
        )}
        {dialog}
      </DropArea>
    </ThreadContext.Provider>
  );
}
