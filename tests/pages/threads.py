"""What people do in a thread: open it, write, look; and threads with a long past."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
from playwright.async_api import Locator, Page

from tests.pages.conftest import OpenAs
from tests.pages.site import Site

_FILL = """
WITH there AS (
  SELECT id, last_seq FROM callboard.conversations WHERE id = $1
), given AS (
  SELECT * FROM unnest($2::uuid[], $3::text[], $4::timestamptz[])
    WITH ORDINALITY AS g (sender_id, body, sent_at, i)
), written AS (
  INSERT INTO callboard.messages
    (conversation_id, seq, id, sender_id, kind, body, sent_at)
  SELECT there.id, last_seq + i, uuidv7(), sender_id, 'text', body,
    date_trunc('milliseconds', sent_at)
  FROM there, given
), moved AS (
  UPDATE callboard.conversations
  SET last_seq = last_seq + cardinality($2::uuid[]), last_message_at = now()
  WHERE id = $1
)
UPDATE callboard.participants
SET read_seq = (SELECT last_seq FROM there) + cardinality($2::uuid[]),
  delivered_seq = (SELECT last_seq FROM there) + cardinality($2::uuid[])
WHERE conversation_id = $1
"""


@dataclass(frozen=True)
class Line:
    """What somebody once wrote."""

    handle: str
    body: str
    sent_at: datetime


async def conversation_of(site: Site, one: str, other: str) -> str:
    """Give the id of the direct conversation of two people."""
    async with site.api(one) as api:
        page = await api.call("GET", "/v1/conversations", query={"kind": "direct"})
    other_id = str(site.person(other).id)
    return next(
        str(each["id"])
        for each in page["items"]
        if any(part["user_id"] == other_id for part in each["participants"])
    )


async def lay_past(site: Site, conversation: str, lines: Sequence[Line]) -> None:
    """Let all this have been written, and read by everybody."""
    owner = await asyncpg.connect(site.database.admin_url)
    try:
        await owner.execute(
            _FILL,
            UUID(conversation),
            [site.person(line.handle).id for line in lines],
            [line.body for line in lines],
            [line.sent_at for line in lines],
        )
    finally:
        await owner.close()


async def give_past(site: Site, one: str, other: str, count: int) -> str:
    """Let two people have written so many lines, all read; gives the conversation."""
    conversation = await conversation_of(site, one, other)
    now = datetime.now(UTC)
    lines = [
        Line(
            (one, other)[number // 3 % 2],
            f"Line {number}" + " and so on" * (number * 7 % 23),
            now - timedelta(minutes=count - number),
        )
        for number in range(1, count + 1)
    ]
    await lay_past(site, conversation, lines)
    return conversation


async def write_as(site: Site, handle: str, conversation: str, *bodies: str) -> None:
    """Have somebody write without a browser."""
    async with site.api(handle) as api:
        for body in bodies:
            await api.send(conversation, client_id=str(uuid4()), body=body)


async def enter(page: Page, title: str) -> None:
    """Open a conversation of the list, and wait for its messages."""
    await page.locator(".list-rows").get_by_text(title, exact=True).click()
    await page.locator(".thread-row").first.wait_for()


def field_of(page: Page) -> Locator:
    """Give where one writes."""
    return page.get_by_label("Message", exact=True)


def row_of(page: Page, text: str) -> Locator:
    """Give the newest message that says this."""
    return page.locator(".thread-row", has_text=text).last


async def say(page: Page, text: str) -> None:
    """Write something and send it."""
    await field_of(page).fill(text)
    await field_of(page).press("Enter")


async def choose(page: Page, text: str, item: str) -> None:
    """Choose something in a message's menu, as with a mouse."""
    await row_of(page, text).hover()
    await row_of(page, text).get_by_role("button", name="Message options").click()
    await page.get_by_role("menuitem", name=item).click()


async def both_enter(open_as: OpenAs) -> tuple[Page, Page]:
    """Have Ada and Grace look at the thread of the two."""
    ada, grace = await open_as("ada"), await open_as("grace")
    await enter(ada, "Grace Okafor")
    await enter(grace, "Ada Moreau")
    return ada, grace


async def top_of(row: Locator) -> float:
    """Say how far below the window's top a message begins."""
    box = await row.bounding_box()
    assert box is not None, "it is not there"
    return box["y"]


def png(width: int, height: int, shade: int = 120) -> bytes:
    """Make an image."""
    line = b"\0" + bytes((shade, 90, 160)) * width
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(line * height)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
