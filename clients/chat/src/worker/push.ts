import type { Callboard } from "@callboard/client";
import { becomeDevice, forgetDevice, keptDevice, nameOfBrowser } from "./device.js";
import {
  canPush,
  closeShown,
  register,
  registered,
  subscribe,
  unsubscribe,
} from "./subscription.js";

/**
 * How push stands on this device for the one who is signed in.
 *
 * `unsupported`: by this browser, or this page, which names no service worker.
 * `denied`: the browser was told never to show notifications of this site.
 */
export type PushState = "unsupported" | "denied" | "off" | "on";

/** Whose push, and by which worker: a session has all of it. */
export interface PushOwner {
  client: Callboard;
  me: string;
  locale: string;
  options: { serviceWorker: string | null };
}

/** How push stands; asks the browser only. */
export async function pushState(owner: PushOwner): Promise<PushState> {
  const address = owner.options.serviceWorker;
  if (address === null || !canPush()) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  if (Notification.permission !== "granted" || keptDevice()?.userId !== owner.me) return "off";
  const registration = await registered(address);
  const subscription = await registration?.pushManager.getSubscription();
  return subscription ? "on" : "off";
}

/**
 * Switch push on: ask the person, subscribe, tell the server. Call it from a click.
 *
 * Gives how it stands then. Rejects with a problem where the server cannot be told or the
 * browser's push service does not answer, and with the browser's error where that refuses.
 */
export async function enablePush(owner: PushOwner): Promise<PushState> {
  const address = owner.options.serviceWorker;
  if (address === null || !canPush()) return "unsupported";
  const permission = await Notification.requestPermission();
  if (permission === "denied") return "denied";
  if (permission !== "granted") return "off";
  const kept = keptDevice();
  // Another person's, who has not signed out: their pushes end here before ours begin.
  if (kept && kept.userId !== owner.me) await forgetPush(address);
  await tellServer(owner, await register(address));
  return "on";
}

/**
 * Switch push off: nothing comes any more, even if the server cannot be told.
 *
 * Without a subscription the push service refuses the next push, and the server forgets
 * the device then.
 */
export async function disablePush(owner: PushOwner): Promise<void> {
  const address = owner.options.serviceWorker;
  const kept = keptDevice();
  if (address === null || !kept || !canPush()) return;
  await forgetPush(address);
  if (kept.userId !== owner.me) return;
  const path = { device_id: kept.deviceId };
  await owner.client.call("DELETE /v1/devices/{device_id}", { path });
}

/** Be nobody's device: for who signs out, or is somebody else from now on. */
export async function forgetPush(address: string | null): Promise<void> {
  if (address === null || !canPush() || !keptDevice()) return;
  forgetDevice();
  const registration = await registered(address);
  if (registration) await unsubscribe(registration);
}

/**
 * Keep push as it was left: register again, as each start should, so that the server knows
 * that this device is still there, and with which subscription.
 *
 * What somebody else has left here ends.
 */
export async function keepPush(owner: PushOwner): Promise<void> {
  const address = owner.options.serviceWorker;
  const kept = keptDevice();
  if (address === null || !canPush() || !kept) return;
  if (kept.userId !== owner.me) await forgetPush(address);
  else if (Notification.permission === "granted") await tellServer(owner, await register(address));
}

/** Take back what is shown about conversations in which nothing is unread any more. */
export async function closeRead(
  owner: PushOwner,
  isRead: (conversationId: string) => boolean,
): Promise<void> {
  const address = owner.options.serviceWorker;
  if (address === null || !canPush() || keptDevice()?.userId !== owner.me) return;
  const registration = await registered(address);
  if (registration) await closeShown(registration, (about) => about !== null && isRead(about));
}

async function tellServer(
  { client, me, locale }: PushOwner,
  registration: ServiceWorkerRegistration,
): Promise<void> {
  const key = await client.call("GET /v1/push/vapid-key");
  const subscription = await subscribe(registration, key.public_key);
  const { endpoint, keys } = subscription.toJSON();
  if (!endpoint || !keys?.p256dh || !keys.auth) throw new Error("The subscription has no keys.");
  const { deviceId } = becomeDevice(me);
  await client.call("PUT /v1/devices/{device_id}", {
    path: { device_id: deviceId },
    body: {
      kind: "webpush",
      endpoint,
      keys: { p256dh: keys.p256dh, auth: keys.auth },
      vapid_key_id: key.id,
      name: nameOfBrowser(navigator.userAgent),
      locale,
    },
  });
}
