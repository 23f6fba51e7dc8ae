/**
 * Listen to what a browser says about the network and the page; gives what ends it.
 *
 * Only hints: `online` may be a café's login page, and a page that was asleep may hold a
 * socket that is long dead. Where there is no browser, nothing is ever said.
 */
export function listenForHints(told: () => void): () => void {
  const page = typeof document === "undefined" ? null : document;
  const seen = () => page?.visibilityState === "visible" && told();
  const toggle = (isOn: boolean) => {
    const act = isOn ? "addEventListener" : "removeEventListener";
    for (const name of ["online", "offline"]) globalThis[act]?.(name, told);
    page?.[act]("visibilitychange", seen);
  };
  toggle(true);
  return () => toggle(false);
}
