"""
The service worker of a window, and pushes to it as a push service would bring them.

No push service is asked: the browser's own protocol hands the worker what had come.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from playwright.async_api import BrowserContext, CDPSession, Page

WORKER = "/callboard-sw.js"

_REGISTER = """async path => {
  await navigator.serviceWorker.register(path);
  await navigator.serviceWorker.ready;
}"""
# A browser without a push service, as this one is, has this one's keys.
_SUBSCRIBABLE = """({ endpoint, keys }) => {
  const KEY = "test.subscription";
  const made = kept => ({
    endpoint,
    options: { applicationServerKey: Uint8Array.from(kept).buffer },
    toJSON: () => ({ endpoint, expirationTime: null, keys }),
    unsubscribe: async () => { localStorage.removeItem(KEY); return true },
  });
  PushManager.prototype.getSubscription = async () => {
    const kept = localStorage.getItem(KEY);
    return kept && made(JSON.parse(kept));
  };
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    const kept = [...new Uint8Array(applicationServerKey)];
    localStorage.setItem(KEY, JSON.stringify(kept));
    return made(kept);
  };
}"""
_SHOWN = """async () => {
  const registration = await navigator.serviceWorker.ready;
  const shown = await registration.getNotifications();
  return shown.map(({ title, body, tag, data }) => ({ title, body, tag, data }));
}"""
# Nobody can press a notification of a browser without a screen: the worker is told so.
_PRESS = """async tag => {
  const [notification] = await self.registration.getNotifications({ tag });
  self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
}"""


@dataclass(frozen=True)
class Pushed:
    """A window's worker."""

    page: Page
    _protocol: CDPSession
    _registration_id: str

    async def push(self, said: Mapping[str, object] | str) -> None:
        """Bring a push; it is taken when this returns, or soon after."""
        await self._protocol.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": await self.page.evaluate("location.origin"),
                "registrationId": self._registration_id,
                "data": said if isinstance(said, str) else json.dumps(said),
            },
        )

    async def shown(self) -> list[dict[str, Any]]:
        """Give what is shown outside of the page."""
        found: list[dict[str, Any]] = await self.page.evaluate(_SHOWN)
        return found

    async def press(self, tag: str) -> None:
        """Press what is shown."""
        (worker,) = self.page.context.service_workers
        await worker.evaluate(_PRESS, tag)

    async def until_shown(self, *titles: str) -> None:
        """Wait until exactly this is shown."""
        async with asyncio.timeout(10):
            while sorted(each["title"] for each in await self.shown()) != sorted(
                titles
            ):
                await self.page.wait_for_timeout(20)


async def make_subscribable(
    context: BrowserContext, endpoint: str, keys: Mapping[str, str]
) -> None:
    """Give a browser a push service: subscribing there makes this subscription."""
    await context.grant_permissions(["notifications"])
    subscription = json.dumps({"endpoint": endpoint, "keys": dict(keys)})
    await context.add_init_script(f"({_SUBSCRIBABLE})({subscription})")


async def worker_of(page: Page, *, is_registered: bool = False) -> Pushed:
    """Find the worker of a window, or register it; its site may show notifications."""
    await page.context.grant_permissions(["notifications"])
    protocol = await page.context.new_cdp_session(page)
    found = asyncio.get_running_loop().create_future()

    def look(event: dict[str, Any]) -> None:
        for each in event["registrations"]:
            if not each["isDeleted"] and not found.done():
                found.set_result(each["registrationId"])

    protocol.on("ServiceWorker.workerRegistrationUpdated", look)
    await protocol.send("ServiceWorker.enable")
    if not is_registered:
        await page.evaluate(_REGISTER, WORKER)
    async with asyncio.timeout(10):
        return Pushed(page, protocol, await found)


def message_pushed(conversation: object, seq: int, **said: object) -> dict[str, Any]:
    """Say what the server would of a message."""
    return {
        "kind": "conversation",
        "type": "message_received",
        "tag": f"tag of {conversation}",
        "title": "Grace",
        "body": f"Message {seq}",
        "conversation_id": str(conversation),
        "seq": seq,
        "badge": 1,
        "count": 1,
        "at": "2026-11-21T01:20:00.000Z",
        "delivery_id": str(uuid4()),
        **said,
    }
