import { usePerson } from "@callboard/client/react";
import type { ComponentChildren, VNode } from "preact";
import { Avatar } from "../ui/Avatar.js";
import { useName } from "../ui/people.js";

interface PersonRowProps {
  userId: string;
  /** Below the name, in place of the headline. */
  under?: ComponentChildren;
  /** Beside the name, as "Owner". */
  sign?: string | null;
  /** Below all, as a note. */
  note?: string | null;
  /** What can be done. */
  children?: ComponentChildren;
  presence?: boolean;
  /** What a press on the person does. */
  onOpen?: () => void;
}

/** Somebody in a list: face, name, what they are, and what can be done. */
export function PersonRow(props: PersonRowProps): VNode {
  const { userId, under, sign, note, children, presence = false, onOpen } = props;
  const person = usePerson(userId);
  const name = useName(userId);
  const who = (
    <>
      <Avatar userId={userId} name={name} presence={presence} />
      <span class="panels-person-words">
        <span class="panels-person-name">
          <b>
            <bdi>{name}</bdi>
          </b>
          {sign && <span class="panels-sign">{sign}</span>}
        </span>
        <span class="panels-person-under">{under ?? <bdi>{person?.headline}</bdi>}</span>
      </span>
    </>
  );
  return (
    <li class="panels-person">
      {onOpen ? (
        <button type="button" class="panels-person-who" onClick={onOpen}>
          {who}
        </button>
      ) : (
        <div class="panels-person-who">{who}</div>
      )}
      {note && (
        <blockquote class="panels-note" dir="auto">
          {note}
        </blockquote>
      )}
      {children && <div class="panels-person-do">{children}</div>}
    </li>
  );
}
