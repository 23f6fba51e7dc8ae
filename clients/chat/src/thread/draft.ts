import { type Attachment, Cell, type Message, Problem, type Store } from "@callboard/client";
import type { UploadOptions } from "@callboard/client/uploads";
import type { Kept } from "./drafts.js";

/** A file on its way into a message. */
export interface Enclosure {
  id: string;
  name: string;
  type: string;
  size: number;
  /** An address for `<img>`, of an image that is still at hand. */
  preview: string | null;
  /** How much has gone out: 0 to 1. */
  part: number;
  /** What to send, once the file is there. */
  attachment: Attachment | null;
  /** The code of why it did not work. */
  problem: string | null;
}

/** What stands in the composer. */
export interface Writing {
  body: string;
  /** The `seq` of the message that is answered. */
  replySeq: number | null;
  /** The message that is edited, and what it is to say; the rest waits meanwhile. */
  edit: { id: string; body: string } | null;
  files: readonly Enclosure[];
}

/** Puts a file where the readers of the conversation can get it. */
export type Put = (file: File, options: UploadOptions) => Promise<Attachment>;

/** So many files go with one message. */
export const MOST_FILES = 10;

const EMPTY: Writing = { body: "", replySeq: null, edit: null, files: [] };
const PREVIEWED = /^image\/(?:jpeg|png|gif|webp|avif)$/;

/** What one is writing in one conversation; each change is kept at once. */
export class Draft implements Store<Writing> {
  readonly #state: Cell<Writing>;
  readonly #keep: (kept: Kept | null) => void;
  readonly #sources = new Map<string, { file: File; put: Put; stop: AbortController }>();

  constructor(kept: Kept | null, keep: (kept: Kept | null) => void) {
    this.#keep = keep;
    this.#state = new Cell(kept === null ? EMPTY : fromKept(kept));
  }

  readonly get = (): Writing => this.#state.get();
  readonly subscribe = (listener: () => void): (() => void) => this.#state.subscribe(listener);

  /** What the field says changes: of the edit where there is one, else of the message. */
  write(body: string): void {
    const { edit } = this.get();
    if (edit === null) this.#change({ body });
    else this.#change({ edit: { ...edit, body } });
  }

  reply(message: Message | null): void {
    this.#change({ replySeq: message?.seq ?? null, edit: null });
  }

  /** Edit a message; null gives the edit up and brings back what was being written. */
  edit(message: Pick<Message, "id" | "body"> | null): void {
    this.#change({ edit: message === null ? null : { id: message.id, body: message.body } });
  }

  /** Upload files; gives how many were too many. */
  add(files: readonly File[], put: Put): number {
    const free = Math.max(0, MOST_FILES - this.get().files.length);
    for (const file of files.slice(0, free)) {
      const id = crypto.randomUUID();
      const preview = PREVIEWED.test(file.type) ? URL.createObjectURL(file) : null;
      const { name, type, size } = file;
      this.#sources.set(id, { file, put, stop: new AbortController() });
      this.#change({
        files: [
          ...this.get().files,
          { id, name, type, size, preview, part: 0, attachment: null, problem: null },
        ],
      });
      void this.#upload(id);
    }
    return Math.max(0, files.length - free);
  }

  /** Try a file again that did not work. */
  again(id: string): void {
    this.#set(id, { problem: null, part: 0 });
    void this.#upload(id);
  }

  /** Take a file away, on its way or not. */
  drop(id: string): void {
    this.#sources.get(id)?.stop.abort();
    this.#release(this.get().files.filter((each) => each.id === id));
    this.#change({ files: this.get().files.filter((each) => each.id !== id) });
  }

  /** Forget what was sent. */
  clear(): void {
    this.#release(this.get().files);
    this.#change(EMPTY);
  }

  async #upload(id: string): Promise<void> {
    const source = this.#sources.get(id);
    if (source === undefined) return;
    try {
      const attachment = await source.put(source.file, {
        signal: source.stop.signal,
        onProgress: (part) => this.#set(id, { part }),
      });
      this.#set(id, { attachment, part: 1 });
    } catch (error) {
      if (source.stop.signal.aborted) return;
      this.#set(id, { problem: Problem.of(error).code });
    }
  }

  #set(id: string, change: Partial<Enclosure>): void {
    const { files } = this.get();
    this.#change({ files: files.map((each) => (each.id === id ? { ...each, ...change } : each)) });
  }

  #release(files: readonly Enclosure[]): void {
    for (const { id, preview } of files) {
      this.#sources.delete(id);
      if (preview !== null) URL.revokeObjectURL(preview);
    }
  }

  #change(change: Partial<Writing>): void {
    this.#state.update((state) => ({ ...state, ...change }));
    this.#keep(toKept(this.get()));
  }
}

function toKept({ body, replySeq, edit, files }: Writing): Kept | null {
  const attachments = files.flatMap(({ attachment }) => (attachment === null ? [] : [attachment]));
  const isEmpty = body === "" && replySeq === null && edit === null && attachments.length === 0;
  return isEmpty ? null : { body, replySeq, edit, attachments, at: Date.now() };
}

function fromKept({ body, replySeq, edit, attachments }: Kept): Writing {
  const files = attachments.map((attachment) => ({
    id: crypto.randomUUID(),
    name: attachment.name,
    type: attachment.mime_type,
    size: attachment.size,
    preview: null,
    part: 1,
    attachment,
    problem: null,
  }));
  return { body, replySeq, edit, files };
}
