import type { Attachment, Message } from "@callboard/client";

/** Images up to this size are fetched by themselves; larger ones when asked for. */
export const SHOWN_BYTES = 8 * 1024 * 1024;
/** Images beyond this are files like others: a phone could not hold them. */
const IMAGE_BYTES = 25 * 1024 * 1024;
// What every browser draws and nothing that can hold a program.
const IMAGES = new Set(["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"]);
const OF_HERE = /\/v1\/uploads\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

/** Read the attachments of a message; the wire leaves their fields open. */
export function attachmentsOf(message: Pick<Message, "attachments">): Attachment[] {
  return message.attachments.flatMap(({ url, name, mime_type, size }) =>
    typeof url === "string" &&
    typeof name === "string" &&
    typeof mime_type === "string" &&
    typeof size === "number"
      ? [{ url, name, mime_type, size }]
      : [],
  );
}

/** The id of an upload of this server; null for a file elsewhere, which is never fetched. */
export function uploadIdOf(attachment: Attachment): string | null {
  // The server lets no address of anybody else's end like this.
  return OF_HERE.exec(attachment.url)?.[1] ?? null;
}

export function isImage(attachment: Attachment): boolean {
  return (
    uploadIdOf(attachment) !== null &&
    IMAGES.has(attachment.mime_type.toLowerCase()) &&
    attachment.size <= IMAGE_BYTES
  );
}

/** Where a file elsewhere is; null where its address is not one to follow. */
export function hostOf(attachment: Attachment): string | null {
  if (!URL.canParse(attachment.url)) return null;
  const url = new URL(attachment.url);
  return url.protocol === "https:" ? url.host : null;
}

/** A size for people: `1.2 MB`. */
export function sizeText(bytes: number, locale: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit: units[unit] ?? "byte",
    unitDisplay: "short",
    maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
  }).format(value);
}

/** What a file is, in the letters that people know it by: `PDF`. */
export function typeText(attachment: Attachment): string {
  const ending = /\.([a-z0-9]{1,5})$/i.exec(attachment.name)?.[1];
  const subtype = attachment.mime_type.split("/")[1] ?? attachment.mime_type;
  return (ending ?? subtype.slice(0, 8)).toUpperCase();
}
