import type { Attachment, Callboard } from "@callboard/client";
import { uploadIdOf } from "./attachments.js";

interface Picture {
  url: Promise<string>;
  bytes: number;
  users: number;
}

/** Pictures that nobody looks at any more are kept up to here, for who scrolls back. */
const KEPT_BYTES = 48 * 1024 * 1024;
const KEPT = 80;

/**
 * The images of messages, fetched once and held as blobs.
 *
 * A picture is lent: give it back when it is no longer shown, so that it may go.
 */
export class Pictures {
  readonly #client: Callboard;
  // In the order of use: the first is the one not seen for longest.
  readonly #pictures = new Map<string, Picture>();

  constructor(client: Callboard) {
    this.#client = client;
  }

  /** The pictures of a client; the same object each time. */
  static of(client: Callboard): Pictures {
    const known = ofClients.get(client) ?? new Pictures(client);
    ofClients.set(client, known);
    return known;
  }

  /** Borrow a picture: an address for `<img>`. Rejects where it cannot be had. */
  borrow(attachment: Attachment): Promise<string> {
    const picture = this.#pictures.get(attachment.url) ?? {
      url: this.#fetch(attachment),
      bytes: attachment.size,
      users: 0,
    };
    picture.users++;
    this.#pictures.delete(attachment.url);
    this.#pictures.set(attachment.url, picture);
    return picture.url;
  }

  giveBack(attachment: Attachment): void {
    const picture = this.#pictures.get(attachment.url);
    if (picture === undefined) return;
    picture.users--;
    this.#tidy();
  }

  async #fetch(attachment: Attachment): Promise<string> {
    const uploadId = uploadIdOf(attachment);
    try {
      if (uploadId === null) throw new TypeError("Only uploads of the server are fetched.");
      const link = await this.#client.call("GET /v1/uploads/{upload_id}", {
        path: { upload_id: uploadId },
      });
      const answer = await fetch(link.url, { credentials: "omit", referrerPolicy: "no-referrer" });
      if (!answer.ok) throw new Error(`The file's link answered ${answer.status}.`);
      const bytes = await answer.arrayBuffer();
      return URL.createObjectURL(new Blob([bytes], { type: attachment.mime_type }));
    } catch (error) {
      // Asked for again, it is tried again.
      this.#pictures.delete(attachment.url);
      throw error;
    }
  }

  #tidy(): void {
    let kept = 0;
    let bytes = 0;
    for (const [url, picture] of [...this.#pictures].reverse()) {
      kept++;
      bytes += picture.bytes;
      if (picture.users > 0 || (kept <= KEPT && bytes <= KEPT_BYTES)) continue;
      this.#pictures.delete(url);
      // One that was never had has nothing to give back; who borrowed it was told why.
      picture.url.then(URL.revokeObjectURL, () => undefined);
    }
  }
}

const ofClients = new WeakMap<Callboard, Pictures>();

/** Save an upload to the reader's disk, by a link that works for some minutes. */
export async function save(client: Callboard, attachment: Attachment): Promise<void> {
  const uploadId = uploadIdOf(attachment);
  if (uploadId === null) return;
  const link = await client.call("GET /v1/uploads/{upload_id}", {
    path: { upload_id: uploadId },
  });
  // The server and buckets deliver files to be saved: the page stays where it is.
  const anchor = document.createElement("a");
  anchor.href = link.url;
  anchor.download = attachment.name;
  anchor.rel = "noopener noreferrer";
  anchor.click();
}
