import type { VNode } from "preact";
import { useSession } from "../../session.js";
import { Avatar } from "../../ui/Avatar.js";
import type { Mentions } from "./useMentions.js";

interface MentionListProps {
  id: string;
  mentions: Mentions;
  onTake: (index: number) => void;
}

/** Whom one can mention, above the field; the field keeps the focus. */
export function MentionList({ id, mentions, onTake }: MentionListProps): VNode | null {
  const { t } = useSession();
  const { offers, chosen, choose } = mentions;
  if (offers.length === 0) return null;
  return (
    <>
      <div class="composer-mentions" id={id} role="listbox" aria-label={t("composer.mentions")}>
        {offers.map((person, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are heard by the field
          <div
            key={person.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onPointerMove={() => choose(index)}
            // The field must not lose the focus before the click.
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => onTake(index)}
          >
            <Avatar userId={person.id} size="small" />
            <span dir="auto">{person.display_name}</span>
            <span class="composer-handle">@{person.handle}</span>
          </div>
        ))}
      </div>
      <span class="unseen" role="status">
        {t("composer.mentions.count", { count: offers.length })}
      </span>
    </>
  );
}
