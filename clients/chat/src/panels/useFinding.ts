import { useConnections, usePeople } from "@callboard/client/react";
import { useEffect, useMemo, useState } from "preact/hooks";
import { useSession } from "../session.js";

// Long enough for a name to be typed on.
const PAUSE_MS = 200;
// More than anybody reads through; whoever is not among them is found by more letters.
const MOST = 50;

/** People whom one may be looking for. */
export interface Finding {
  /** Those to whom one is connected, by name. */
  yours: readonly string[];
  /** Others whom the host page knows. */
  others: readonly string[];
  isLoading: boolean;
}

/** Find people by their name: one's own connections, and whom the host page offers. */
export function useFinding(typed: string): Finding {
  const { client, me, directory, locale } = useSession();
  const { items } = useConnections();
  const q = typed.trim();
  const [found, setFound] = useState<{ ids: readonly string[]; isLoading: boolean }>({
    ids: [],
    isLoading: directory !== null,
  });

  useEffect(() => {
    if (directory === null) return;
    let isOver = false;
    setFound((now) => ({ ...now, isLoading: true }));
    const timer = setTimeout(
      () => {
        directory(q).then(
          (people) => {
            if (isOver) return;
            const ids = people.slice(0, MOST).map((person) => person.id);
            client.people.want(ids);
            setFound({ ids, isLoading: false });
          },
          // The host page's own trouble; whom one is connected to is still there.
          () => !isOver && setFound({ ids: [], isLoading: false }),
        );
      },
      q === "" ? 0 : PAUSE_MS,
    );
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [client, directory, q]);

  const linked = useMemo(
    () =>
      items
        .filter((link) => link.status === "accepted")
        .map((link) => (link.requester_id === me ? link.recipient_id : link.requester_id)),
    [items, me],
  );
  const people = usePeople(linked);
  const yours = useMemo(() => {
    const wanted = folded(q, locale);
    const byName = new Intl.Collator(locale);
    const name = (id: string): string => people.get(id)?.display_name ?? "";
    return linked
      .filter((id) => {
        const handle = people.get(id)?.handle ?? "";
        return folded(`${name(id)} ${handle}`, locale).includes(wanted);
      })
      .sort((a, b) => byName.compare(name(a), name(b)))
      .slice(0, MOST);
  }, [linked, people, q, locale]);
  const others = useMemo(
    () => found.ids.filter((id) => id !== me && !yours.includes(id)),
    [found.ids, me, yours],
  );
  return { yours, others, isLoading: found.isLoading };
}

/** Without accents and in small letters, as people type names. */
function folded(text: string, locale: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase(locale);
}
