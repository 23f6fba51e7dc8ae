import type { Message } from "@callboard/client";
import type { VNode } from "preact";
import { useSession } from "../session.js";
import { useName } from "../ui/people.js";
import { useOpenThread } from "./context.js";

type Quoted = NonNullable<Message["reply_to"]>;

interface QuoteProps {
  /** Null where the server does not show what was answered. */
  quote: Quoted | null;
  isCurrent: boolean;
}

/** What a message answers; pressing it goes there. */
export function Quote({ quote, isCurrent }: QuoteProps): VNode {
  const { t } = useSession();
  const { actions } = useOpenThread();
  const name = useQuoteName(quote);
  if (quote === null) {
    return <div class="thread-quote thread-quote-gone">{t("thread.quote.gone")}</div>;
  }
  return (
    <button
      type="button"
      class="thread-quote"
      tabIndex={isCurrent ? 0 : -1}
      onClick={() => actions.jump(quote.seq)}
    >
      <QuoteText quote={quote} name={name} />
      <span class="unseen">{t("thread.quote.jump")}</span>
    </button>
  );
}

/** Who said it, and its first words. */
export function QuoteText({ quote, name }: { quote: Quoted; name: string }): VNode {
  const { t } = useSession();
  const text = quote.deleted_at !== null ? t("thread.quote.deleted") : quote.body;
  return (
    <>
      <span class="thread-quote-name" dir="auto">
        {name}
      </span>
      <span class="thread-quote-text" dir="auto">
        {text || t("thread.quote.files")}
      </span>
    </>
  );
}

export function useQuoteName(quote: Quoted | null): string {
  const { t, me } = useSession();
  const name = useName(quote?.sender_id ?? null);
  return quote?.sender_id === me ? t("ui.you") : name;
}

/** A message as it is quoted before the server has done so. */
export function quoteOf(message: Message): Quoted {
  const { id, seq, sender_id, kind, body, deleted_at } = message;
  return { id, seq, sender_id, kind, body: body.slice(0, 200), deleted_at };
}
