"""
Answers by mail: what somebody says at a signed address is sent into its conversation.

The same rules hold as for a socket, because the same sender sends it. The address says
who may speak; that it is they who do is taken from the mail's sender, which the mail
server in front has to have looked at (docs/email.md).
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import ValidationError

from realtime.actor import Actor
from realtime.errors import Problem
from realtime.intake import answers
from realtime.intake.body import has_attachments, read_reply
from realtime.intake.mime import Part
from realtime.intake.proof import is_proved
from realtime.mail.links import Replying
from realtime.node import Node
from realtime.protocol import BODY_CHARS, SendMessage

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:callboard:reply-by-mail")
# How a client knows that it was written in a mail.
METADATA = {"source": "email"}


@dataclass(frozen=True, slots=True)
class _Writer:
    """Who may answer here, from which address, and the mail that is answered."""

    address: str
    delivery_id: UUID


class Replies:
    """Takes answers; each mail becomes at most one message."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def take(self, replying: Replying, mail: Part, message_id: str) -> str:
        """
        Send an answer, and tell what to tell its server.

        Raises:
            Unavailable: The database is away.
        """
        writer = await self._writer(replying)
        if writer is None:
            return answers.EXPIRED
        if mail.addresses("from") != [writer.address]:
            return answers.NOT_YOU
        trusted = self._node.settings.intake_authserv_id
        if trusted is not None and not is_proved(mail, trusted, writer.address):
            return answers.NOT_PROVED
        body = read_reply(mail)
        if not body:
            return answers.ONLY_FILES if has_attachments(mail) else answers.NOTHING_SAID
        if len(body) > BODY_CHARS:
            return (
                f"552 5.3.4 Your answer has {len(body)} characters;"
                f" at most {BODY_CHARS} are taken."
            )
        said = self._without_secrets(body)
        answer = await self._send(replying, said, message_id)
        if answers.is_taken(answer):
            await self._note(replying, writer, message_id)
        return answer

    def _without_secrets(self, body: str) -> str:
        """
        Take out what only the writer may have: signed addresses, unsubscribe links.

        They come with what a mail quotes, where that was not seen to be quoted.
        """
        domain = re.escape(self._node.settings.mail_domain or "")
        address = rf"\b[bru][a-z2-7]{{26,63}}@{domain}"
        return re.sub(
            rf"https?://[^\s<>]{{1,500}}/v1/unsubscribe/[^\s<>]*|{address}",
            "…",
            body,
            flags=re.IGNORECASE,
        )

    async def _writer(self, replying: Replying) -> _Writer | None:
        since = self._node.clock() - timedelta(days=self._node.settings.reply_days)
        async with self._node.transaction() as work:
            user = await work.users.get(replying.user_id)
            if user is None or user.account_status != "active" or not user.email:
                return None
            delivery = await work.inbound.last_about(
                replying.user_id, replying.conversation_id, since
            )
        return None if delivery is None else _Writer(user.email.lower(), delivery)

    async def _send(self, replying: Replying, body: str, message_id: str) -> str:
        try:
            command = SendMessage(
                client_id=client_id(replying, message_id),
                conversation_id=replying.conversation_id,
                body=body,
                metadata=METADATA,
            )
        except ValidationError:
            # Whose text would show in a log what was said.
            return answers.UNREADABLE
        try:
            await self._node.sender.send(Actor(replying.user_id), command)
        except Problem as problem:
            return answers.refused(problem) or answers.TAKEN
        return answers.TAKEN

    async def _note(self, replying: Replying, writer: _Writer, message_id: str) -> None:
        async with self._node.transaction() as work:
            await work.inbound.take(
                "reply",
                message_id,
                delivery=writer.delivery_id,
                user=replying.user_id,
                outcome="posted",
                now=self._node.clock(),
            )


def client_id(replying: Replying, message_id: str) -> UUID:
    """Name what a mail says: brought again, it is the same message."""
    return uuid5(
        _NAMESPACE, f"{replying.user_id} {replying.conversation_id} {message_id}"
    )
