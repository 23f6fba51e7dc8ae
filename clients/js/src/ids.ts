/**
 * Make a random UUID.
 *
 * `crypto.randomUUID` is missing on pages without TLS, `crypto` in React Native. These ids
 * tell a sender's own messages apart and guard nothing, so lesser chance will do.
 */
export function uuid(): string {
  const source: Partial<Crypto> | undefined = globalThis.crypto;
  const bytes = new Uint8Array(32).map(() => Math.random() * 256);
  source?.getRandomValues?.(bytes);
  const shape = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  let i = 0;
  return shape.replace(/[xy]/g, (kind) => {
    const four = (bytes[i++] ?? 0) & 15;
    return (kind === "x" ? four : (four & 3) | 8).toString(16);
  });
}
