import type { Message } from "@callboard/client";
import type { ComponentChildren, VNode } from "preact";
import { useSession } from "../../session.js";
import { IconButton } from "../../ui/Button.js";
import { Icon, type IconName } from "../../ui/Icon.js";
import { QuoteText, quoteOf, useQuoteName } from "../Quote.js";

/** Above the field: the message that is answered. */
export function ReplyBar({ message, onStop }: { message: Message; onStop: () => void }): VNode {
  const { t, me } = useSession();
  const quote = quoteOf(message);
  const name = useQuoteName(quote);
  const title =
    message.sender_id === me ? t("composer.replying.self") : t("composer.replying", { name });
  return (
    <Bar icon="reply" stop={t("composer.replying.stop")} onStop={onStop}>
      <QuoteText quote={quote} name={title} />
    </Bar>
  );
}

/** Above the field: that it is an edit. */
export function EditBar({ onStop }: { onStop: () => void }): VNode {
  const { t } = useSession();
  return (
    <Bar icon="edit" stop={t("composer.editing.stop")} onStop={onStop}>
      <span class="thread-quote-name">{t("composer.editing")}</span>
    </Bar>
  );
}

interface BarProps {
  icon: IconName;
  stop: string;
  onStop: () => void;
  children: ComponentChildren;
}

function Bar({ icon, stop, onStop, children }: BarProps): VNode {
  return (
    <div class="composer-bar">
      <Icon name={icon} />
      <span class="composer-bar-text">{children}</span>
      <IconButton icon="close" label={stop} onClick={onStop} />
    </div>
  );
}
