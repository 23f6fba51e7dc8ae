import type { VNode } from "preact";
import { useSession } from "../session.js";
import type { Gig } from "./gig.js";

/** How a gig stands, as a small sign beside its title. */
export function GigState({ gig }: { gig: Gig }): VNode {
  const { t } = useSession();
  return <span class={`panels-state panels-state-${gig.status}`}>{t(`gig.${gig.status}`)}</span>;
}
