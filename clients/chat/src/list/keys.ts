/** Which row a key leads to, of so many; null for a key that leads nowhere. */
export function rowAfter(key: string, now: number, count: number): number | null {
  if (count === 0) return null;
  if (key === "ArrowDown") return Math.min(now + 1, count - 1);
  if (key === "ArrowUp") return Math.max(now - 1, 0);
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  return null;
}
