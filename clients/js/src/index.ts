export { createCallboard } from "./client.js";
export { Problem } from "./errors.js";
export type * from "./generated/contract.js";
export { IndexedDbOutbox } from "./outbox-indexeddb.js";
export { progressOf } from "./progress.js";
export { Cell, type Store } from "./store.js";
export type * from "./types.js";
