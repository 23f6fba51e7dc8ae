export type * from "./types.js";
export { Cell, type Store } from "./store.js";
