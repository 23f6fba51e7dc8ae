/** The browser's side of push: its worker, its subscription, what it shows. */

import { Problem } from "@callboard/client";

const PATIENCE_MS = 20_000;

/** Whether this browser, on this page, can do push at all. */
export function canPush(): boolean {
  return (
    "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis
  );
}

/** The worker's registration, if there is one for this address. */
export async function registered(address: string): Promise<ServiceWorkerRegistration | null> {
  const wanted = new URL(address, location.href).href;
  const all = await navigator.serviceWorker.getRegistrations();
  const isIt = ({ active, waiting, installing }: ServiceWorkerRegistration): boolean =>
    [active, waiting, installing].some((worker) => worker?.scriptURL === wanted);
  return all.find(isIt) ?? null;
}

/** Register the worker, and wait until it is active. */
export async function register(address: string): Promise<ServiceWorkerRegistration> {
  const registration = await navigator.serviceWorker.register(address, { updateViaCache: "none" });
  const coming = registration.installing ?? registration.waiting;
  if (coming && !registration.active) await activated(coming);
  return registration;
}

function activated(worker: ServiceWorker): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (worker.state === "activated") resolve();
      else if (worker.state === "redundant") reject(new Error("The service worker has failed."));
    };
    worker.addEventListener("statechange", look);
    look();
  });
}

/**
 * Subscribe with a key; a subscription with another one is given up.
 *
 * Browsers try for as long as they cannot reach their push service: nobody waits for that, and
 * a problem of the code `unavailable` says so.
 */
export async function subscribe(
  registration: ServiceWorkerRegistration,
  publicKey: string,
): Promise<PushSubscription> {
  const key = bytesOf(publicKey);
  const before = await registration.pushManager.getSubscription();
  if (before && !isSame(before.options.applicationServerKey, key)) await before.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: key };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<never>((_, reject) => {
    const problem = new Problem("unavailable", "The browser's push service does not answer.");
    timer = setTimeout(() => reject(problem), PATIENCE_MS);
  });
  try {
    return await Promise.race([registration.pushManager.subscribe(options), patience]);
  } finally {
    clearTimeout(timer);
  }
}

/** Be subscribed no more, and take back what is shown. */
export async function unsubscribe(registration: ServiceWorkerRegistration): Promise<void> {
  const subscription = await registration.pushManager.getSubscription();
  await subscription?.unsubscribe();
  await closeShown(registration, () => true);
}

/** Take back what is shown about some conversations; null is about none. */
export async function closeShown(
  registration: ServiceWorkerRegistration,
  isSeen: (conversationId: string | null) => boolean,
): Promise<void> {
  for (const notification of await registration.getNotifications()) {
    const about = conversationOf(notification.data);
    if (about !== undefined && isSeen(about)) notification.close();
  }
}

/** Undefined for what is none of ours. */
function conversationOf(data: unknown): string | null | undefined {
  if (typeof data !== "object" || data === null || !("callboard" in data)) return undefined;
  if (!("conversationId" in data)) return null;
  return typeof data.conversationId === "string" ? data.conversationId : null;
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function isSame(one: ArrayBuffer | null, other: Uint8Array): boolean {
  if (!one || one.byteLength !== other.byteLength) return false;
  return new Uint8Array(one).every((byte, index) => byte === other[index]);
}
