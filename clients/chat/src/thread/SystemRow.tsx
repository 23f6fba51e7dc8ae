import type { Message } from "@callboard/client";
import type { VNode } from "preact";
import { memo } from "preact/compat";
import { isKey, type Translate } from "../i18n.js";
import { useSession } from "../session.js";
import { clock } from "../ui/time.js";

interface SystemRowProps {
  message: Message;
  isCurrent: boolean;
  isLit: boolean;
}

/** What the server says in a thread: that it ends, or is open again. */
export const SystemRow = memo(function SystemRow(props: SystemRowProps): VNode {
  const { message, isCurrent, isLit } = props;
  const { t, locale } = useSession();
  return (
    <li
      class={isLit ? "thread-system thread-row-lit" : "thread-system"}
      data-key={message.id}
      data-seq={message.seq}
      tabIndex={isCurrent ? 0 : -1}
    >
      <span dir="auto">{systemText(message, t, locale)}</span>
      <time dateTime={message.sent_at}>{clock(message.sent_at, locale)}</time>
    </li>
  );
});

/** By `event` and `rule`; what this version does not know is said as the server says it. */
export function systemText(message: Message, t: Translate, locale: string): string {
  const { event, rule, read_only_at: day } = message.metadata;
  if (event === "thread.reopened") return t("thread.system.reopened");
  const key = `thread.rule.${String(rule).replace(/\.chosen$/, "")}`;
  if (!isKey(key)) return message.body;
  const why = t(key);
  if (event === "thread.closed") return t("thread.system.closed", { why });
  if (event === "thread.closing" && typeof day === "string") {
    const date = new Intl.DateTimeFormat(locale, { dateStyle: "long" }).format(new Date(day));
    return t("thread.system.closing", { why, day: date });
  }
  return message.body;
}
