/** What the service worker and the windows of the chat say to each other: types only. */

/** What the worker says to a window. */
export type FromWorker =
  /** "Which conversation do you show?", answered on the port that comes along. */
  | { callboard: "shown" }
  /** Somebody has pressed what was pushed. */
  | { callboard: "open"; conversationId: string | null }
  /** The browser has made the subscription anew: the server has to be told. */
  | { callboard: "subscription" };

/** What a window answers to "shown". */
export interface Shown {
  conversationId: string | null;
}
