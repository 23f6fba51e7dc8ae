import type { Callboard } from "@callboard/client";
import { Cell, Problem } from "@callboard/client";
import { useStore } from "@callboard/client/react";
import { useEffect } from "preact/hooks";
import { useSession } from "../session.js";

/** A gig as far as one may know of it; null where one may not, undefined until known. */
export type Gig = Awaited<ReturnType<typeof fetchGig>>;

type Gigs = Cell<ReadonlyMap<string, Gig | null>>;

// Kept with the client, so that another person knows nothing of them.
const known = new WeakMap<Callboard, Gigs>();
const asked = new WeakMap<Callboard, Set<string>>();

function fetchGig(client: Callboard, gigId: string) {
  return client.call("GET /v1/gigs/{gig_id}", { path: { gig_id: gigId } });
}

/** What a thread is about; asked again when its conversation changes, as when it is filled. */
export function useGig(gigId: string | null): Gig | null | undefined {
  const { client } = useSession();
  const gigs = gigsOf(client);
  useEffect(() => {
    if (gigId === null) return;
    want(client, gigId);
    return client.on((event) => {
      const isIts =
        event.type === "conversation.updated" && event.data.conversation.gig_id === gigId;
      if (isIts || event.type === "resync") want(client, gigId, true);
    });
  }, [client, gigId]);
  return useStore(gigs, (all) => (gigId === null ? null : all.get(gigId)));
}

function gigsOf(client: Callboard): Gigs {
  const gigs = known.get(client) ?? new Cell<ReadonlyMap<string, Gig | null>>(new Map());
  known.set(client, gigs);
  return gigs;
}

function want(client: Callboard, gigId: string, isAnew = false): void {
  const gigs = gigsOf(client);
  const waiting = asked.get(client) ?? new Set();
  asked.set(client, waiting);
  if (waiting.has(gigId) || (!isAnew && gigs.get().get(gigId))) return;
  waiting.add(gigId);
  fetchGig(client, gigId)
    .then(
      (gig) => gigs.update((all) => new Map(all).set(gigId, gig)),
      (error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        // Where the server is away, what was known stays; a later look asks again.
        if (error.code === "not_found") gigs.update((all) => new Map(all).set(gigId, null));
      },
    )
    .finally(() => waiting.delete(gigId));
}
