import { useConversations } from "@callboard/client/react";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { otherOf } from "../list/title.js";
import { PersonView } from "../panels/PersonView.js";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Drafts } from "../thread/drafts.js";
import { Avatar } from "../ui/Avatar.js";
import { useName } from "../ui/people.js";
import { Back } from "./MainPart.js";

/**
 * Somebody with whom there is no conversation: who they are and what one may do.
 *
 * Where there is one after all, or as soon as there is, it is shown instead.
 */
export function Stranger({ userId }: { userId: string }): VNode {
  const { client, me } = useSession();
  const go = useGo();
  const name = useName(userId);
  const conversationId =
    useConversations().items.find((each) => otherOf(each, me) === userId)?.id ?? null;

  useEffect(() => {
    if (!conversationId) return;
    // What one has begun to write to them goes along.
    const drafts = Drafts.of(client, me);
    const begun = drafts.in(userId).get().body;
    if (begun !== "" && drafts.in(conversationId).get().body === "") {
      drafts.in(conversationId).write(begun);
      drafts.in(userId).clear();
    }
    go({ conversationId }, { replace: true });
  }, [client, me, userId, conversationId, go]);

  return (
    <>
      <div class="shell-main-head">
        <Back />
        <Avatar userId={userId} presence />
        <h2 class="shell-stranger-name" dir="auto">
          {name}
        </h2>
      </div>
      <div class="shell-stranger">{!conversationId && <PersonView userId={userId} />}</div>
    </>
  );
}
