/**
 * Make a random UUID.
 *
 * `crypto.randomUUID` is missing on pages without TLS, `crypto` in React Native. These ids
 * tell a sender's own messages apart and guard nothing, so lesser chance will do.
 */
export function uuid(): string {
  const source: Partial<Crypto> | undefined = globalThis.crypto;
  if (source?.randomUUID !== undefined) return source.randomUUID();
  const bytes = new Uint8Array(16);
  if (source?.getRandomValues !== undefined) source.getRandomValues(bytes);
  else for (const i of bytes.keys()) bytes[i] = Math.random() * 256;
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
