import { usePeople } from "@callboard/client/react";
import type { VNode } from "preact";
import { useSession } from "../session.js";
import { nameOf } from "../ui/people.js";

/** Who is typing; its room is always there, so that nothing moves when somebody begins. */
export function TypingLine({ typing }: { typing: readonly string[] }): VNode {
  const { t } = useSession();
  const people = usePeople(typing.slice(0, 2));
  const [name = "", other = ""] = typing.map((each) => nameOf(people.get(each), t));
  const count = typing.length;
  const words =
    count === 0
      ? ""
      : count === 1
        ? t("thread.typing.one", { name })
        : count === 2
          ? t("thread.typing.two", { name, other })
          : t("thread.typing.many", { count });
  return (
    <div class="thread-typing">
      {count > 0 && (
        <>
          <span class="thread-dots" aria-hidden="true">
            <span />
            <span />
            <span />
          </span>
          <span dir="auto">{words}</span>
        </>
      )}
    </div>
  );
}
