import { usePerson } from "@callboard/client/react";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Icon, type IconName } from "./Icon.js";
import { Presence } from "./Presence.js";

interface AvatarProps {
  /** Whose picture; fetched where it is not known. */
  userId?: string | null;
  /** For who or what has no profile: its first letters are shown. */
  name?: string;
  /** In place of letters, for what is no person. */
  icon?: IconName;
  size?: "small" | "normal" | "large";
  /** Whether to show if they are there. */
  presence?: boolean;
}

const FACES = 8;

/** A face beside a name, so never said by a screen reader; only their presence is. */
export function Avatar({
  userId = null,
  name,
  icon,
  size = "normal",
  presence,
}: AvatarProps): VNode {
  const person = usePerson(userId);
  const [broken, setBroken] = useState<string | null>(null);
  const picture = pictureOf(person?.avatar_url);
  const shown = name ?? person?.display_name ?? "";
  const hasPicture = picture !== null && picture !== broken;
  return (
    <span class={`ui-avatar ui-avatar-${size}`}>
      <span
        class={`ui-avatar-face ui-face-${faceOf(userId ?? shown)}`}
        aria-hidden="true"
        // Drawn, not written: what is copied or called a button's name has no stray letters.
        data-letters={icon || hasPicture ? undefined : lettersOf(shown)}
      >
        {icon ? (
          <Icon name={icon} />
        ) : (
          hasPicture && (
            <img
              src={picture}
              alt=""
              loading="lazy"
              decoding="async"
              referrerpolicy="no-referrer"
              onError={() => setBroken(picture)}
            />
          )
        )}
      </span>
      {presence && userId && <Presence userId={userId} />}
    </span>
  );
}

/** Pictures are the platform's, by https; anything else is not fetched. */
function pictureOf(url: string | null | undefined): string | null {
  return url?.startsWith("https://") ? url : null;
}

/** The first letters of the first and the last word. */
export function lettersOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends
    .map((word) => [...(word ?? "")][0] ?? "")
    .join("")
    .toLocaleUpperCase();
}

function faceOf(key: string): number {
  let sum = 0;
  for (const letter of key) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return sum % FACES;
}
