/**
 * The service worker: shows what is pushed while nobody looks, and leads to it.
 *
 * It holds no token and asks the server nothing. It keeps no pages for being offline either:
 * a chat without a server would show what nobody can trust. It may be loaded as it is, or by
 * `importScripts` from the worker of another site, so it touches nothing but its own events,
 * and only pushes that are ours. `?page=/messages` in the address of the worker names the page
 * to open where no window is; without, it is the worker's scope.
 */
import type { FromWorker } from "./messages.js";
import { type Push, readPush } from "./payload.js";

declare const self: ServiceWorkerGlobalScope;

/** A window that does not answer within this is one that shows something else. */
const ANSWER_MS = 500;

/** For pushes that come without words. */
const SOMETHING: Readonly<Record<string, string>> = {
  en: "You have something new",
  de: "Es gibt etwas Neues",
};

self.addEventListener("install", () => {
  // It serves no pages, so there is none that still needs the one before.
  void self.skipWaiting();
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const push = readPush(event.data?.text() ?? "");
  if (push) event.waitUntil(take(push));
});

self.addEventListener("notificationclick", (event) => {
  const about = aboutOf(event.notification);
  if (!about) return;
  event.notification.close();
  event.waitUntil(lead(about));
});

self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(subscribeAgain(event));
});

/** What is kept with what is shown. */
interface About {
  callboard: true;
  conversationId: string | null;
  seq: number | null;
}

async function take(push: Push): Promise<void> {
  if (push.badge !== null) await setBadge(push.badge);
  const shown = await self.registration.getNotifications({ tag: push.tag });
  if (push.kind === "retract") {
    for (const each of shown) if ((aboutOf(each)?.seq ?? 0) <= (push.seq ?? 0)) each.close();
    return;
  }
  // Pushes may overtake each other: the later message stays.
  if (shown.some((each) => (aboutOf(each)?.seq ?? 0) > (push.seq ?? 0))) return;
  if (push.conversationId && (await isLookedAt(push.conversationId))) return;
  await show(push);
}

async function show(push: Push): Promise<void> {
  const about: About = {
    callboard: true,
    conversationId: push.conversationId,
    seq: push.seq,
  };
  const language = self.navigator.language.split("-")[0] ?? "en";
  const options: NotificationOptions & { renotify?: boolean; timestamp?: number } = {
    body: push.body,
    data: about,
    dir: "auto",
    tag: push.tag,
    // Without a tag there is nothing before, and browsers refuse it.
    renotify: push.tag !== "",
  };
  if (push.at !== null) options.timestamp = push.at;
  const title = push.title || (SOMETHING[language] ?? SOMETHING.en ?? "");
  await self.registration.showNotification(title, options);
}

/** Whether somebody looks at this conversation in this moment. */
async function isLookedAt(conversationId: string): Promise<boolean> {
  const focused = (await windows()).filter((window) => window.focused);
  const shown = await Promise.all(focused.map(askShown));
  return shown.includes(conversationId);
}

function askShown(window: WindowClient): Promise<string | null> {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    const timer = setTimeout(() => resolve(null), ANSWER_MS);
    channel.port1.onmessage = (event: MessageEvent<unknown>) => {
      clearTimeout(timer);
      channel.port1.close();
      resolve(conversationIn(event.data));
    };
    const question: FromWorker = { callboard: "shown" };
    window.postMessage(question, [channel.port2]);
  });
}

function conversationIn(answer: unknown): string | null {
  if (typeof answer !== "object" || answer === null || !("conversationId" in answer)) return null;
  return typeof answer.conversationId === "string" ? answer.conversationId : null;
}

/** Bring a window to the front that shows it, or open one. */
async function lead(about: About): Promise<void> {
  const { conversationId } = about;
  const all = await windows();
  const window = all.find((each) => each.focused) ?? all[0];
  if (window) {
    const message: FromWorker = { callboard: "open", conversationId };
    window.postMessage(message);
    await window.focus();
    return;
  }
  const page = pageToOpen();
  page.hash = conversationId
    ? new URLSearchParams({ conversation: conversationId }).toString()
    : "panel=notifications";
  await self.clients.openWindow(page.href);
}

/** The page with the chat, always one of the worker's own site. */
function pageToOpen(): URL {
  const scope = new URL(self.registration.scope);
  const wanted = new URLSearchParams(self.location.search).get("page");
  const page = new URL(wanted ?? scope.href, scope);
  return page.origin === scope.origin ? page : scope;
}

/**
 * Keep a subscription that the browser has given up.
 *
 * The worker cannot tell the server, for want of a token: open windows are asked to, and the
 * next that opens does so by itself.
 */
async function subscribeAgain(event: PushSubscriptionChangeEvent): Promise<void> {
  const options = event.oldSubscription?.options;
  if (!event.newSubscription && options?.applicationServerKey) {
    await self.registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: options.applicationServerKey,
    });
  }
  const message: FromWorker = { callboard: "subscription" };
  for (const window of await windows()) window.postMessage(message);
}

function windows(): Promise<readonly WindowClient[]> {
  return self.clients.matchAll({ type: "window", includeUncontrolled: true });
}

function aboutOf(notification: Notification): About | null {
  const data: unknown = notification.data;
  return isAbout(data) ? data : null;
}

function isAbout(data: unknown): data is About {
  return typeof data === "object" && data !== null && "callboard" in data;
}

/** Say on the app's icon what is unread, where there is one. */
async function setBadge(count: number): Promise<void> {
  if ("setAppBadge" in self.navigator) await self.navigator.setAppBadge(count);
}
