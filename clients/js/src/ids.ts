/**
 * Make a random UUID.
 *
 * `crypto.randomUUID` is missing on pages without TLS, `crypto` in React Native. These ids
 * tell a sender's own messages apart and guard nothing, so lesser chance will do.
 */
export function uuid(): string {
  const bytes = new Uint8Array(16).map(() => Math.random() * 256);
  const source: Partial<Crypto> | undefined = globalThis.crypto;
  source?.getRandomValues?.(bytes);
  const hex = [...bytes].map((byte) => (byte + 256).toString(16).slice(1)).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})/, "$1-$2-4$3-8$4-");
}
