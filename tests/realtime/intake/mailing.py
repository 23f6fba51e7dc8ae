"""Mails that come in, and what has to be there before they do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from uuid import UUID, uuid4

import aiosmtplib
from sqlalchemy import text

from api.server import listen
from realtime.intake.server import Intake
from realtime.mail.links import Links, message_id, open_links
from realtime.node import Node
from storage.deliveries import NewDelivery
from storage.records import ConversationId
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import Person, make_pair

DOMAIN = "mail.chat.example"
GRACE = "grace@people.example"


@dataclass(frozen=True)
class Post:
    """An intake that runs, and the two people whose conversation it is about."""

    node: Node
    port: int
    links: Links
    ada: Person
    grace: Person
    conversation: ConversationId

    @property
    def reply_address(self) -> str:
        """Where Grace answers."""
        return self.links.reply_address(self.grace.id, self.conversation) or ""

    async def send(
        self, mail: EmailMessage | bytes, to: str | None = None, sender: str = GRACE
    ) -> str:
        """Bring a mail; gives what the server said, with its code."""
        client = aiosmtplib.SMTP(
            hostname="127.0.0.1", port=self.port, start_tls=False, use_tls=False
        )
        async with client:
            try:
                await client.ehlo()
                await client.mail(sender)
                await client.rcpt(to or self.reply_address)
                answer = await client.data(bytes(mail))
            except aiosmtplib.SMTPResponseException as error:
                return f"{error.code} {error.message}"
        return f"{answer.code} {answer.message}"

    async def bodies(self) -> list[str]:
        """What has been said in the conversation."""
        rows = await self.rows(
            "SELECT body FROM callboard.messages WHERE conversation_id ="
            f" '{self.conversation}' ORDER BY seq"
        )
        return [str(row["body"]) for row in rows]

    async def rows(self, query: str) -> list[dict[str, object]]:
        """What the database says."""
        async with self.node.transaction() as work:
            found = await work.connection.execute(text(query))
            return [dict(row) for row in found.mappings()]

    async def mailed(
        self, *, type_: str = "message_received", at: datetime | None = None
    ) -> UUID:
        """Have a mail about the conversation been sent to Grace."""
        now = at or self.node.clock()
        async with self.node.transaction() as work:
            await work.deliveries.plan(
                [
                    NewDelivery(
                        user_id=self.grace.id,
                        channel="email",
                        type=type_,
                        class_="alert",
                        mode="instant",
                        due_at=now,
                        conversation_id=self.conversation,
                        first_seq=1,
                    )
                ],
                now,
            )
            rows = await work.connection.execute(
                text(
                    "UPDATE callboard.deliveries SET status = 'sent', sent_at = :now"
                    " WHERE status = 'pending' RETURNING id"
                ),
                {"now": now},
            )
            delivery: UUID = rows.scalar_one()
            await work.emails.log(
                user=self.grace.id,
                delivery=delivery,
                email_type=type_,
                recipient_email=GRACE,
                subject="Ada wrote to you",
                status="sent",
                message_id=message_id(delivery, DOMAIN),
                now=now,
            )
        return delivery


def reply(body: str = "Yes.", **headers: str) -> EmailMessage:
    """Answer by mail, as Grace."""
    mail = EmailMessage()
    given = {
        "From": f"Grace Hopper <{GRACE}>",
        "Subject": "Re: Ada wrote to you",
        "Message-ID": f"<{uuid4()}@people.example>",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in given.items():
        if value:
            mail[name] = value
    mail.set_content(body)
    return mail


@asynccontextmanager
async def open_post(node: Node) -> AsyncIterator[Post]:
    """Open an intake for a node, with two people who have a conversation."""
    ada, grace, conversation = await make_pair(node)
    async with node.transaction() as work:
        await work.users.put(
            [{"id": grace.id, "display_name": "Grace", "email": GRACE.title()}]
        )
        links = await open_links(work, node.settings)
    intake = Intake(node)
    with listen("127.0.0.1", 0) as listener:
        await intake.open(listener)
        try:
            port = listener.getsockname()[1]
            yield Post(node, port, links, ada, grace, conversation)
        finally:
            await intake.close()


@asynccontextmanager
async def post_with(database: TestDatabase, **settings: object) -> AsyncIterator[Post]:
    """Open an intake with settings of its own."""
    chosen = settings_for(database, mail_domain=DOMAIN, **settings)
    async with running_node(chosen) as node, open_post(node) as post:
        yield post
