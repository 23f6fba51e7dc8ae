"""From a message to a browser that reads it, through the public doors alone."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from api.app import create_app
from realtime.node import Node
from realtime.notifications.notifiers import build_notifiers
from realtime.worker import Worker
from tests.api.calling import say
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import make_pair
from tests.push_services import (
    Browser,
    Reply,
    Service,
    service_over_http,
    verify_vapid,
)
from tests.realtime.notifications.carrying import Hands
from tests.realtime.notifications.telling import tell_of_events


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A push service on this machine."""
    async with service_over_http() as running:
        yield running


@pytest.fixture
async def node(database: TestDatabase, service: Service) -> AsyncIterator[Node]:
    """A node whose operator allows that service."""
    settings = settings_for(
        database, webpush_hosts=service.url, webpush_subject="mailto:ops@example.org"
    )
    async with running_node(settings) as opened:
        yield opened


async def test_a_message_is_pushed_read_elsewhere_and_taken_back(
    node: Node, service: Service
) -> None:
    browser, clock = Browser(), Hands()
    notifiers = build_notifiers(node.settings, node.transaction, clock)
    worker = Worker(node.settings, node.database, clock=clock, notifiers=notifiers)
    transport = httpx.ASGITransport(app=create_app(node))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        ada, grace, talk = await make_pair(node)
        key = (await http.get("/v1/push/vapid-key", headers=ada.headers)).json()
        device = f"/v1/devices/{uuid4()}"
        registered = await http.put(
            device,
            json={
                "kind": "webpush",
                "endpoint": f"{service.url}/push/a-secret",
                "keys": browser.keys,
                "vapid_key_id": key["id"],
                "retract": True,
            },
            headers=ada.headers,
        )
        assert registered.status_code == 200, registered.text
        message = await say(http, grace, talk, "Can you come on Monday?")

        async def pushed() -> list[dict[str, Any]]:
            """Work on everything that is due, and read what the browser got."""
            before = len(service.asked)
            await tell_of_events(node, clock)
            clock.move(minutes=5)
            while await worker.lines["deliveries"]():
                pass
            return [
                orjson.loads(browser.decrypt(asked.body))
                for asked in service.asked[before:]
            ]

        (push,) = await pushed()
        assert (push["title"], push["body"]) == ("Grace", "Can you come on Monday?")
        assert (push["message_id"], push["badge"]) == (message["id"], 1)
        claims, public = verify_vapid(service.asked[0], service.url)
        assert (claims["sub"], public) == ("mailto:ops@example.org", key["public_key"])
        read = await http.post(
            f"/v1/conversations/{talk}/read", json={"seq": 1}, headers=ada.headers
        )
        assert read.is_success, read.text
        (back,) = await pushed()
        assert (back["kind"], back["tag"], back["seq"]) == ("retract", push["tag"], 1)
        assert await pushed() == []
        # The browser has unsubscribed.
        service.next.append(Reply(410))
        await say(http, grace, talk, "Are you there?")
        assert len(await pushed()) == 1
        assert (await http.get(device, headers=ada.headers)).status_code == 404
        await say(http, grace, talk, "Hello?")
        assert await pushed() == []
    for notifier in notifiers:
        await notifier.close()
