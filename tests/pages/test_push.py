"""
Push in a browser: the worker that shows it, and the switch that asks for it.

What is not seen here is a real push service, which Chromium reaches over the network
only: its part is played by one on this machine, whose pushes the browser's own protocol
hands to the worker. Nor does anybody press a notification: a browser without a screen
has none to press, so the worker is told that it was pressed.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import orjson
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from api.chat_files import ChatFiles
from realtime import demo
from realtime.notifications.notifiers import build_notifiers
from realtime.worker import Worker
from tests.databases import Databases
from tests.pages.conftest import OpenAs
from tests.pages.pushing import make_subscribable, message_pushed, worker_of
from tests.pages.site import Site, running_site
from tests.pages.windows import Windows
from tests.push_services import Browser as Subscription
from tests.push_services import Service, service_over_http
from tests.realtime.notifications.carrying import Hands
from tests.realtime.notifications.telling import tell_of_events


async def talk_of(site: Site) -> str:
    """Name the conversation of Ada and Grace."""
    async with site.node.transaction() as work:
        found = await work.conversations.direct_with(demo.ADA.id, demo.GRACE.id)
    return str(found)


async def test_a_push_is_shown_and_a_later_one_takes_its_place(
    open_as: OpenAs,
) -> None:
    worker = await worker_of(await open_as("ada"))
    talk, other = uuid4(), uuid4()
    await worker.push(message_pushed(talk, 3, title="Third"))
    await worker.until_shown("Third")
    await worker.push(message_pushed(talk, 4, title="Fourth"))
    await worker.until_shown("Fourth")
    # It was overtaken on its way.
    await worker.push(message_pushed(talk, 2, title="Second"))
    await worker.push(message_pushed(other, 1, title="Other"))
    await worker.until_shown("Fourth", "Other")


async def test_what_was_read_elsewhere_is_taken_back_but_nothing_later(
    open_as: OpenAs,
) -> None:
    worker = await worker_of(await open_as("ada"))
    read, unread = message_pushed(uuid4(), 3, title="Read"), message_pushed(uuid4(), 9)
    for push in (read, unread):
        await worker.push(push)
    await worker.until_shown("Read", "Grace")
    for push in (read, unread):
        await worker.push({"kind": "retract", "tag": push["tag"], "seq": 3})
    await worker.until_shown("Grace")


async def test_a_push_without_words_says_that_there_is_something_and_no_more(
    open_as: OpenAs,
) -> None:
    worker = await worker_of(await open_as("ada"))
    words = {"title": None, "body": None}
    await worker.push("not ours")
    await worker.push({"kind": "something newer"})
    await worker.push(message_pushed(uuid4(), 1, **words))
    await worker.until_shown("You have something new")
    (shown,) = await worker.shown()
    assert shown["body"] == ""


async def test_who_looks_at_a_conversation_is_not_shown_its_pushes(
    open_as: OpenAs, site: Site
) -> None:
    talk = await talk_of(site)
    page = await open_as("ada", path=f"/#conversation={talk}")
    worker = await worker_of(page)
    await expect(page.get_by_text("The 4th and 5th work.").last).to_be_visible()
    await page.bring_to_front()
    await worker.push(message_pushed(talk, 9, title="Looked at"))
    await worker.push(message_pushed(uuid4(), 9, title="Elsewhere"))
    await worker.until_shown("Elsewhere")


async def test_pressing_it_leads_to_the_conversation_in_the_window_that_is_open(
    open_as: OpenAs, site: Site
) -> None:
    talk = await talk_of(site)
    page = await open_as("ada")
    worker = await worker_of(page)
    push = message_pushed(talk, 9)
    await worker.push(push)
    await worker.until_shown("Grace")
    await worker.press(push["tag"])
    await expect(page.get_by_text("The 4th and 5th work.").last).to_be_visible()
    await worker.until_shown()
    notification = {"kind": "notification", "tag": "n", "title": "News", "seq": None}
    await worker.push(notification)
    await worker.until_shown("News")
    await worker.press("n")
    await page.wait_for_url("**panel=notifications*")


@pytest_asyncio.fixture(loop_scope="session")
async def service() -> AsyncIterator[Service]:
    """A push service on this machine."""
    async with service_over_http() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def site(
    databases: Databases, chat: ChatFiles, tmp_path: Path, service: Service
) -> AsyncIterator[Site]:
    """A server whose operator allows that service."""
    database = await databases.lend()
    async with running_site(
        database, chat, tmp_path, webpush_hosts=(service.url,)
    ) as running:
        yield running
    await databases.take_back(database)


async def pushed_by(site: Site, service: Service, subscription: Subscription) -> bytes:
    """Have the server push all that is due to one who is not there, and read it."""
    node, clock = site.node, Hands()
    notifiers = build_notifiers(node.settings, node.transaction, clock)
    worker = Worker(node.settings, node.database, clock=clock, notifiers=notifiers)
    await tell_of_events(node, clock)
    clock.move(minutes=5)
    while await worker.lines["deliveries"]():
        pass
    for notifier in notifiers:
        await notifier.close()
    return subscription.decrypt(service.asked[-1].body)


async def switch(page: Page, *, is_on: bool) -> None:
    """Switch push on this device in the preferences."""
    toggle = page.get_by_role("switch", name="Push on this device")
    await toggle.click()
    words = "Push is on for this device." if is_on else "Push is off for this device."
    await expect(page.get_by_text(words)).to_be_visible()


async def test_switched_on_it_brings_messages_and_switched_off_it_does_not(
    browser: Browser, site: Site, service: Service, windows: Windows
) -> None:
    subscription = Subscription()
    context = await windows.new_context()
    await make_subscribable(context, f"{service.url}/push/ada", subscription.keys)
    page = await windows.open_as("ada", context=context, path="/#panel=preferences")
    await switch(page, is_on=True)
    async with site.api("ada") as ada:
        (device,) = (await ada.call("GET", "/v1/devices"))["items"]
        assert (device["kind"], device["name"]) == ("webpush", "Chrome on Linux")

        grace = await site.socket("grace")
        async with grace:
            await grace.request(
                "message.send",
                to_user_id=str(demo.ADA.id),
                client_id=str(uuid4()),
                body="Can you come on Monday?",
            )
        push = await pushed_by(site, service, subscription)
        worker = await worker_of(page, is_registered=True)
        await worker.push(push.decode())
        await worker.until_shown("Grace Okafor")
        assert (await worker.shown())[0]["body"] == "Can you come on Monday?"

        # Read by now, it is shown no more.
        talk = await talk_of(site)
        await page.goto(f"{site.url}/?as=ada#conversation={talk}")
        await expect(page.get_by_text("Can you come on Monday?").last).to_be_visible()
        await worker.until_shown()

        # At each start the same device registers again.
        (again,) = (await ada.call("GET", "/v1/devices"))["items"]
        assert again["id"] == device["id"]
        await page.goto(f"{site.url}/?as=ada#panel=preferences")
        await switch(page, is_on=False)
        assert (await ada.call("GET", "/v1/devices"))["items"] == []
        assert orjson.loads(push)["badge"] >= 1


async def test_who_comes_after_somebody_ends_their_pushes_on_this_browser(
    site: Site, service: Service, windows: Windows
) -> None:
    context = await windows.new_context()
    await make_subscribable(context, f"{service.url}/push/ada", Subscription().keys)
    page = await windows.open_as("ada", context=context, path="/#panel=preferences")
    await switch(page, is_on=True)
    worker = await worker_of(page, is_registered=True)
    await worker.push(message_pushed(uuid4(), 1, title="For Ada"))
    await worker.until_shown("For Ada")

    await page.goto(f"{site.url}/?as=grace#panel=preferences")
    await worker.until_shown()
    toggle = page.get_by_role("switch", name="Push on this device")
    await expect(toggle).not_to_be_checked()
    subscribed = (
        "navigator.serviceWorker.ready.then(r => r.pushManager.getSubscription())"
    )
    assert await page.evaluate(subscribed) is None
