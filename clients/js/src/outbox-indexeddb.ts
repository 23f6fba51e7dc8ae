import type { OutboxStorage, Stored } from "./types.js";

const STORE = "messages";

/** Keep unsent messages in the browser, of each person apart; all tabs share it. */
export class IndexedDbOutbox implements OutboxStorage {
  readonly #name: string;
  #opening: Promise<IDBDatabase> | null = null;

  /** `name` tells apart what belongs to different servers. */
  constructor(name: string) {
    this.#name = name;
  }

  async load(userId: string): Promise<readonly Stored[]> {
    const ofUser = IDBKeyRange.bound([userId], [userId, []]);
    const stored: Stored[] = await this.#do("readonly", (store) => store.getAll(ofUser));
    return stored.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  }

  async put(userId: string, item: Stored): Promise<void> {
    await this.#do("readwrite", (store) => store.put(item, [userId, item.clientId]));
  }

  async remove(userId: string, clientId: string): Promise<void> {
    await this.#do("readwrite", (store) => store.delete([userId, clientId]));
  }

  async #do<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>) {
    const database = await this.#open();
    return new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      // Stored is what has been committed, not what was asked for.
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }

  #open(): Promise<IDBDatabase> {
    this.#opening ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(this.#name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => {
        const database = request.result;
        const forget = () => {
          this.#opening = null;
        };
        // Another tab deletes or changes it, or the browser has thrown it away.
        database.onversionchange = () => {
          database.close();
          forget();
        };
        database.onclose = forget;
        resolve(database);
      };
      request.onerror = () => {
        this.#opening = null;
        reject(request.error);
      };
    });
    return this.#opening;
  }
}
