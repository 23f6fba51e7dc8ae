import { compare } from "./lists.js";
import type { OutboxStorage, Stored } from "./types.js";

const STORE = "messages";

/** Keep unsent messages in the browser, of each person apart; all tabs share it. */
export class IndexedDbOutbox implements OutboxStorage {
  readonly #name: string;

  /** `name` tells apart what belongs to different servers. */
  constructor(name: string) {
    this.#name = name;
  }

  async load(userId: string): Promise<readonly Stored[]> {
    const ofUser = IDBKeyRange.bound([userId], [userId, []]);
    const stored: Stored[] = await this.#do((store) => store.getAll(ofUser));
    return stored.sort((one, other) => compare(one.at, other.at));
  }

  async put(userId: string, item: Stored): Promise<void> {
    await this.#do((store) => store.put(item, [userId, item.clientId]));
  }

  async remove(userId: string, clientId: string): Promise<void> {
    await this.#do((store) => store.delete([userId, clientId]));
  }

  /** Opened for each, so that no tab keeps another from deleting or changing it. */
  #do<T>(act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const opening = indexedDB.open(this.#name, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const database = opening.result;
        const transaction = database.transaction(STORE, "readwrite");
        const request = act(transaction.objectStore(STORE));
        // Stored is what has been committed, not what was asked for.
        transaction.oncomplete = () => resolve(request.result);
        transaction.onabort = () => reject(transaction.error);
        // Once the transaction is over.
        database.close();
      };
    });
  }
}
