/**
 * Listen to what a browser says about the network and the page; gives what ends it.
 *
 * Only hints: `online` may be a café's login page, and a page that was asleep may hold a
 * socket that is long dead. Where there is no browser, nothing is ever said.
 */
export function listenForHints(told: { maybeOnline(): void; maybeOffline(): void }): () => void {
  const seen = () => {
    if (document.visibilityState === "visible") told.maybeOnline();
  };
  const hasWindow = typeof addEventListener === "function";
  const hasPage = typeof document !== "undefined";
  if (hasWindow) {
    addEventListener("online", told.maybeOnline);
    addEventListener("offline", told.maybeOffline);
  }
  if (hasPage) document.addEventListener("visibilitychange", seen);
  return () => {
    if (hasWindow) {
      removeEventListener("online", told.maybeOnline);
      removeEventListener("offline", told.maybeOffline);
    }
    if (hasPage) document.removeEventListener("visibilitychange", seen);
  };
}
