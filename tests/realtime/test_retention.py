"""What is known of mails goes in time."""

from datetime import datetime, timedelta

from realtime.node import Node
from realtime.retention import RetentionChore
from storage.records import UserId
from tests.factories import make_people


async def _log(node: Node, user: UserId, at: datetime) -> None:
    async with node.transaction() as work:
        await work.emails.log(
            user=user,
            delivery=None,
            email_type="mention",
            recipient_email="ada@chat.example",
            subject="x",
            status="sent",
            message_id="<x@chat.example>",
            now=at,
        )


async def test_mails_are_forgotten_with_their_deliveries(node: Node) -> None:
    (ada,) = await make_people(node, "Ada")
    now = node.clock()
    kept = timedelta(days=node.settings.deliveries_keep_days)
    for age in (kept + timedelta(hours=1), kept + timedelta(days=1), kept / 2):
        await _log(node, ada.id, now - age)
    async with node.transaction() as work:
        long_ago = now - timedelta(days=30)
        await work.emails.soft_bounce("grace@chat.example", now=long_ago)
    chore = RetentionChore(node.transaction, lambda: now, node.settings)
    assert await chore() == 3
    assert await chore() == 0
    async with node.transaction() as work:
        assert len(await work.emails.logs_of(ada.id, 10)) == 1
