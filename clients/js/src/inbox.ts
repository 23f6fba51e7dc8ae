import type { Notification } from "./generated/contract.js";
import { Listing } from "./listing.js";
import { chunksOf, descending, forgetOldest, idOf } from "./lists.js";
import type { Inbox, InboxState, Told } from "./types.js";
import type { Wire } from "./wire.js";

const TOGETHER = 200;
// What was put away, or is from before the list, is remembered to know a repeat.
const REMEMBERED = 1000;
// Timers do not take any wait; what expires later is looked at again by then.
const DAY_MS = 86_400_000;

type Mark = "seen" | "read" | "archive";

const STAMPS: Readonly<Record<Mark, (at: string) => Partial<Notification>>> = {
  seen: (at) => ({ seen_at: at }),
  read: (at) => ({ seen_at: at, read_at: at, is_read: true }),
  archive: (at) => ({ seen_at: at, archived_at: at }),
};

export class InboxStore extends Listing<InboxState> implements Inbox {
  readonly #onCount: (unread: number) => void;
  readonly #known = new Map<string, Notification>();
  // When the server last said how many wait: what was so before is among them.
  #countedAt = "";
  // What events told while a page was fetched.
  #told = new Set<string>();
  #expiry: ReturnType<typeof setTimeout> | undefined;

  /** `onCount` is told how many are unread, whether the inbox is loaded or not. */
  constructor(wire: Wire, onCount: (unread: number) => void) {
    super(wire, {
      items: [],
      unread: 0,
      hasMore: false,
      isLoading: false,
      isLoaded: false,
      problem: null,
    });
    this.#onCount = onCount;
    wire.on((event) => this.#hear(event));
  }

  seen(ids: readonly string[] | "all"): Promise<void> {
    return this.#mark("seen", ids);
  }

  read(ids: readonly string[] | "all"): Promise<void> {
    return this.#mark("read", ids);
  }

  archive(ids: readonly string[] | "all"): Promise<void> {
    return this.#mark("archive", ids);
  }

  /** Hold nothing any more, and wait for nothing. */
  close(): void {
    this.#known.clear();
    this.#show();
  }

  /** Shown at once; put back, and rejected, where the server refuses. */
  async #mark(mark: Mark, ids: readonly string[] | "all"): Promise<void> {
    const stamp = STAMPS[mark](new Date().toISOString());
    const changed = new Map<Notification, Notification>();
    for (const before of ids === "all" ? [...this.#known.values()] : ids.map(this.#find)) {
      if (!before) continue;
      const after = { ...before, ...stamp, seen_at: before.seen_at ?? stamp.seen_at ?? null };
      if (stage(after) <= stage(before)) continue;
      changed.set(before, after);
      this.#take(after);
    }
    this.#show();
    try {
      const chunks = chunksOf(ids === "all" ? [] : ids, TOGETHER).map((each) => ({ ids: each }));
      for (const which of ids === "all" ? [{ all: true }] : chunks) {
        const { unread } = await this.wire.command(`notification.${mark}`, which);
        this.#set(unread.notifications);
      }
    } catch (error) {
      for (const [before, after] of changed) {
        if (this.#known.get(after.id) !== after) continue;
        this.#known.set(before.id, before);
        this.#count(Number(waits(before)) - Number(waits(after)));
      }
      this.#show();
      throw error;
    }
  }

  protected async fetch(isMore: boolean): Promise<void> {
    this.#told = new Set();
    const { items, next } = await this.wire.call("GET /v1/notifications", {
      query: this.query(isMore),
    });
    this.turn(next, items.at(-1)?.id);
    const here = new Set(items.map(idOf));
    for (const id of isMore ? [] : this.#known.keys()) {
      if (!here.has(id) && !this.#told.has(id)) this.#known.delete(id);
    }
    for (const each of items) {
      if (isNewer(each, this.#known.get(each.id))) this.#known.set(each.id, each);
    }
    this.#show();
  }

  #hear({ type, at, data }: Told): void {
    if (type === "hello") {
      this.#countedAt = at;
      this.#set(data.unread.notifications);
    } else if ("notification" in data) {
      this.#told.add(data.notification.id);
      if (this.#known.has(data.notification.id)) this.#take(data.notification);
      else this.#meet(data.notification, type === "notification.created");
      this.#show();
    }
  }

  /** Take one that is known, further along. */
  #take(now: Notification): void {
    const before = this.#known.get(now.id);
    if (!before || !isNewer(now, before)) return;
    this.#known.set(now.id, now);
    if (waits(before) && !waits(now) && !this.#isCounted(now)) this.#count(-1);
  }

  /** Take one that was not known: told by an event. */
  #meet(now: Notification, isNew: boolean): void {
    this.#known.set(now.id, now);
    if (this.#isCounted(now)) return;
    // What is not new had been waiting, up to this very change.
    if (isNew && waits(now)) this.#count(1);
    else if (!isNew && !now.read_at !== !now.archived_at) this.#count(-1);
  }

  /** Whether the server's count knows already what has become of it. */
  #isCounted({ created_at, read_at, archived_at }: Notification): boolean {
    return (read_at ?? archived_at ?? created_at) <= this.#countedAt;
  }

  #count(change: number): void {
    this.#set(Math.max(0, this.get().unread + change));
  }

  #set(unread: number): void {
    this.patch({ unread });
    this.#onCount(unread);
  }

  readonly #find = (id: string): Notification | undefined => this.#known.get(id);

  #show(): void {
    let wait = 0;
    for (const each of this.#known.values()) {
      const left = Date.parse(each.expires_at ?? "") - Date.now();
      if (left > 0) {
        wait = Math.min(wait || DAY_MS, left);
      } else if (each.expires_at) {
        // It goes by itself, and from the count.
        this.#known.delete(each.id);
        if (waits(each) && each.expires_at > this.#countedAt) this.#count(-1);
      }
    }
    clearTimeout(this.#expiry);
    if (wait) this.#expiry = setTimeout(() => this.#show(), wait);
    const shown = [...this.#known.values()].filter((each) => !each.archived_at);
    // Before the first page nothing is shown.
    const items = descending(shown, idOf, this.edge ?? "~");
    forgetOldest(this.#known, items.length + REMEMBERED);
    this.patch({ items });
  }
}

function waits({ read_at, archived_at }: Notification): boolean {
  return !read_at && !archived_at;
}

function stage({ seen_at, read_at, archived_at }: Notification): number {
  if (archived_at) return 3;
  if (read_at) return 2;
  return seen_at ? 1 : 0;
}

/** It only moves on: counted up, and of the same count further along. */
function isNewer(one: Notification, other: Notification | undefined): boolean {
  if (!other) return true;
  return one.count === other.count ? stage(one) > stage(other) : one.count > other.count;
}
