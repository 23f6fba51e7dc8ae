import type { Callboard, Told } from "@callboard/client";
import { Cell, Problem } from "@callboard/client";
import { useStore } from "@callboard/client/react";
import { useEffect } from "preact/hooks";
import { useSession } from "../session.js";

/** A gig as far as one may know of it; null where one may not, undefined until known. */
export type Gig = Awaited<ReturnType<typeof fetchGig>>;

type Gigs = Cell<ReadonlyMap<string, Gig | null>>;

// A gig may change without a word to its threads: who opens one anew is not shown an old state.
const FRESH_MS = 60_000;

// Kept with the client, so that another person knows nothing of them.
const known = new WeakMap<Callboard, Gigs>();
const asked = new WeakMap<Callboard, Map<string, Asked>>();

interface Asked {
  at: number;
  isUnderWay: boolean;
  /** Whether it has changed since it was asked for. */
  isStale: boolean;
}

function fetchGig(client: Callboard, gigId: string) {
  return client.call("GET /v1/gigs/{gig_id}", { path: { gig_id: gigId } });
}

/**
 * What a thread is about; asked again when its conversation changes, as when it is closed,
 * when one is told something about it, and when it is looked at after a while.
 */
export function useGig(gigId: string | null): Gig | null | undefined {
  const { client } = useSession();
  const gigs = gigsOf(client);
  useEffect(() => {
    if (gigId === null) return;
    want(client, gigId);
    return client.on((event) => {
      if (isAbout(event, gigId) || event.type === "resync") want(client, gigId, true);
    });
  }, [client, gigId]);
  return useStore(gigs, (all) => (gigId === null ? null : all.get(gigId)));
}

function gigsOf(client: Callboard): Gigs {
  const gigs = known.get(client) ?? new Cell<ReadonlyMap<string, Gig | null>>(new Map());
  known.set(client, gigs);
  return gigs;
}

function isAbout({ data }: Told, gigId: string): boolean {
  if ("conversation" in data) return data.conversation.gig_id === gigId;
  return "notification" in data && data.notification.gig_id === gigId;
}

function want(client: Callboard, gigId: string, isAnew = false): void {
  const gigs = gigsOf(client);
  const all = asked.get(client) ?? new Map<string, Asked>();
  asked.set(client, all);
  const last = all.get(gigId);
  if (last?.isUnderWay) {
    last.isStale ||= isAnew;
    return;
  }
  if (last && !isAnew && performance.now() - last.at < FRESH_MS) return;
  const now: Asked = { at: performance.now(), isUnderWay: true, isStale: false };
  all.set(gigId, now);
  fetchGig(client, gigId)
    .then(
      (gig) => gigs.update((known) => new Map(known).set(gigId, gig)),
      (error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        // Where the server is away, what was known stays; a later look asks again.
        if (error.code === "not_found") gigs.update((known) => new Map(known).set(gigId, null));
        else all.delete(gigId);
      },
    )
    .finally(() => {
      now.isUnderWay = false;
      if (now.isStale) want(client, gigId, true);
    });
}
