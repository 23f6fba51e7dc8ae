import { type CallboardProblem, Problem as Fault } from "@callboard/client";
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { WhyNot } from "../panels/WhyNot.js";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Avatar } from "../ui/Avatar.js";
import { useName } from "../ui/people.js";
import { Problem } from "../ui/problem.js";
import { Back } from "./MainPart.js";

/**
 * Somebody with whom there is no conversation: it is opened where one may write, else it is
 * said why not, with what would unlock it.
 */
export function Stranger({ userId }: { userId: string }): VNode {
  const { client } = useSession();
  const go = useGo();
  const name = useName(userId);
  const [state, setState] = useState<"asking" | "refused" | CallboardProblem>("asking");
  const [attempt, setAttempt] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt asks again
  useEffect(() => {
    let isShown = true;
    const open = async (): Promise<void> => {
      const there = client.conversations
        .get()
        .items.find(
          (each) =>
            each.kind === "direct" && each.participants.some((part) => part.user_id === userId),
        );
      if (!there && !(await client.permissions(userId)).message) {
        if (isShown) setState("refused");
        return;
      }
      const conversationId = there ? there.id : (await client.openDirect(userId)).id;
      if (isShown) go({ conversationId }, { replace: true });
    };
    setState("asking");
    open().catch((error: unknown) => {
      if (isShown) setState(Fault.of(error));
    });
    return () => {
      isShown = false;
    };
  }, [client, userId, go, attempt]);

  const again = (): void => setAttempt((count) => count + 1);
  return (
    <>
      <div class="shell-main-head">
        <Back />
        <Avatar userId={userId} presence />
        <h2 class="shell-stranger-name">{name}</h2>
      </div>
      <div class="shell-stranger">
        {state === "refused" && <WhyNot userId={userId} />}
        {state === "asking" && <span class="ui-spinner" aria-hidden="true" />}
        {typeof state === "object" && <Problem problem={state} onRetry={again} />}
      </div>
    </>
  );
}
