// What a memory of people, marks or tombstones holds at the most.
const REMEMBERED = 500;

/** Orders texts as the server does. */
export function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** By this most lists are ordered: ids rise with time. */
export function idOf(item: { id: string }): string {
  return item.id;
}

/** Those whose key is not below an edge, the greatest key first. */
export function descending<T>(items: Iterable<T>, keyOf: (item: T) => string, edge = ""): T[] {
  return [...items]
    .filter((each) => keyOf(each) >= edge)
    .sort((one, other) => compare(keyOf(other), keyOf(one)));
}

/** Bound a memory: the oldest goes. */
export function forgetOldest(memory: Map<unknown, unknown>, most = REMEMBERED): void {
  for (const key of memory.keys()) {
    if (memory.size <= most) return;
    memory.delete(key);
  }
}

/** Cut a list into pieces of so many at the most. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let i = 0; i < items.length; i += size) chunks.push(items.slice(i, i + size));
  return chunks;
}

/** For what is known, or tried again, elsewhere. */
export function ignore(): void {}
