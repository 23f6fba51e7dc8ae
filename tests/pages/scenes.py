"""What there is to look at: people who have talked, and every view of the chat."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import uuid4

import asyncpg
from callboard_client import Api
from playwright.async_api import Page, expect

from realtime import demo
from tests.pages.site import PEOPLE, Site

_APART = """
UPDATE callboard.messages AS m
SET sent_at = m.sent_at - (c.last_seq - m.seq) * interval '3 minutes'
FROM callboard.conversations AS c
WHERE m.conversation_id = c.id
"""
_TALK = (
    ("grace", "Do I bring my own lenses, or does the house have primes?"),
    ("ada", "The house has a set of primes, 24 to 85. Bring your 135 if you like it."),
    ("ada", "Call time is 18:30 at the east pier."),
    ("grace", "Perfect. See https://maps.example/east-pier for where I will park."),
    ("ada", "@grace the harbour master wants your plate number by Friday."),
    ("grace", "It is 12-AB-34. Danke, und bis Mittwoch!"),
)


VIEWS = (
    *("list", "talk", "gig", "group", "asked", "declined", "blocked"),
    *("notifications", "preferences", "requests", "search", "new"),
    *("details", "group details"),
)


@dataclass(frozen=True)
class Scene:
    """Conversations by what they are."""

    talk: str
    gig: str
    group: str


async def set_scene(site: Site) -> Scene:
    """Let Ada and Grace have talked, reacted, answered, edited and deleted."""
    async with site.node.transaction() as work:
        talk = await work.conversations.direct_with(demo.ADA.id, demo.GRACE.id)
    async with site.api("ada") as ada, site.api("grace") as grace:
        said = []
        for handle, body in _TALK:
            api = ada if handle == "ada" else grace
            said.append(await api.send(str(talk), client_id=str(uuid4()), body=body))
        changes: Sequence[tuple[Api, str, int, str, dict[str, str] | None]] = (
            (ada, "PUT", 0, "/reactions/👍", None),
            (grace, "PUT", 2, "/reactions/🎬", None),
            (ada, "PATCH", 2, "", {"body": "Call time is 18:45 at the east pier."}),
            (grace, "DELETE", 3, "", None),
        )
        for api, method, number, path, change in changes:
            place = f"/v1/messages/{said[number]['id']}{path}"
            await api.call(method, place, body=change)
        await ada.send(
            str(talk),
            client_id=str(uuid4()),
            body="Noted, thank you!",
            reply_to_id=said[5]["id"],
        )
        page = await ada.call("GET", "/v1/conversations", query={"kind": "gig"})
        (gig,) = (each["id"] for each in page["items"])
    return Scene(talk=str(talk), gig=str(gig), group=str(demo.CREW))


async def take_time(site: Site) -> None:
    """Let there have been some minutes between what was said."""
    owner = await asyncpg.connect(site.database.admin_url)
    try:
        await owner.execute(_APART)
    finally:
        await owner.close()


def views_of(scene: Scene) -> Mapping[str, str]:
    """Name every view, by the hash that leads there."""

    def user(handle: str) -> str:
        return urlencode({"user": PEOPLE[handle].id})

    talk = {"conversation": scene.talk}
    return {
        "list": "",
        "talk": urlencode(talk),
        "gig": urlencode({"conversation": scene.gig}),
        "group": urlencode({"conversation": scene.group}),
        "asked": user("tomas"),
        "declined": user("ivan"),
        "blocked": user("noor"),
        **{
            panel: urlencode({"panel": panel})
            for panel in ("notifications", "preferences", "requests", "search", "new")
        },
        "details": urlencode(talk | {"panel": "details"}),
        "group details": urlencode({"conversation": scene.group, "panel": "details"}),
    }


async def show(page: Page, place: str) -> None:
    """Go to a view, and wait until it is there whole."""
    await page.evaluate("place => { location.hash = place }", place)
    shell = page.locator(".shell")
    await expect(shell).to_have_attribute("data-panel", str("panel=" in place).lower())
    is_in_thread = "conversation=" in place or "user=" in place
    await expect(shell).to_have_attribute("data-thread", str(is_in_thread).lower())
    if "conversation=" in place and "panel=" not in place:
        await expect(page.locator(".thread-row").last).to_be_visible()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    await expect(page.locator(".ui-bone")).to_have_count(0)
    # Names come with people's profiles.
    await expect(page.get_by_text(re.compile(r"^…$"))).to_have_count(0)
