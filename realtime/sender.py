"""Sending a message, whichever door it came through."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

import orjson

from realtime.actions.conversations import open_direct
from realtime.actions.uploads import require_sendable
from realtime.actor import Actor
from realtime.attachments import AttachmentRules
from realtime.batcher import Batcher, Settled
from realtime.encoding import message_object
from realtime.errors import BY_CODE, Internal, Invalid, NotAParticipant, Unavailable
from realtime.limits import Limits
from realtime.plain_json import dumps
from realtime.protocol import Attachment, SendMessage
from realtime.recipients import Recipients
from realtime.uploads import FileStore
from realtime.work import Transactions
from storage.ids import uuid7
from storage.records import (
    ConversationId,
    Draft,
    MessageId,
    UploadId,
    UserId,
    Written,
)

# Direct conversations never change their pair, so this needs no invalidation.
_REMEMBERED_PAIRS = 50_000

# A client id that two nodes write in the same instant is known to the second try.
_TRIES = 3


class Sender:
    """Turns commands into drafts, and what became of them into answers."""

    def __init__(
        self,
        transactions: Transactions,
        batcher: Batcher,
        limits: Limits,
        rules: AttachmentRules,
        files: FileStore | None,
    ) -> None:
        self._transactions = transactions
        self._batcher = batcher
        self._limits = limits
        self._recipients = Recipients(transactions)
        self._rules = rules
        self._files = files
        self._direct: OrderedDict[tuple[UserId, UserId], ConversationId] = OrderedDict()

    async def send(self, actor: Actor, command: SendMessage) -> orjson.Fragment:
        """
        Store a message and give it as the wire shows it; once for each client id.

        When this returns, the message is committed and has been announced.

        Raises:
            Problem: The ledger's reason; `conflict` for a known client id with other
                content; `unavailable` where sending again will tell.
        """
        draft = await self.prepare(actor, command)
        return await self.settle(draft, self.submit(draft))

    async def prepare(self, actor: Actor, command: SendMessage) -> Draft:
        """
        Find the conversation, opening a direct one where it is missing.

        This takes a token of the sender, whatever becomes of the draft: one that is
        refused costs as much, and a known client id too, which then is answered a
        little later. Of the recipient it takes one that a refused draft gives back,
        so that nobody is kept from reaching them by those who may not.

        Raises:
            Invalid: An attachment is not what this server takes.
            RateLimited: The sender says, or the recipient is told, too much.
        """
        await self._limits.check("messages", actor.user_id)
        uploads = self._rules.check(command.attachments)
        conversation = command.conversation_id
        if conversation is None:
            assert command.to_user_id is not None  # noqa: S101 - the command has one
            conversation = await self._direct_with(actor, UserId(command.to_user_id))
        if uploads:
            await self._require_uploads(
                actor, ConversationId(conversation), uploads, command.client_id
            )
        draft = _draft(actor, ConversationId(conversation), command)
        other = await self._recipients.of(actor.user_id, draft.conversation_id)
        if other is not None:
            await self._limits.check("messages_to", other)
        return draft

    def submit(self, draft: Draft) -> "asyncio.Future[Settled]":
        """Queue a draft: from here on its place among its sender's is fixed."""
        return self._batcher.submit(draft)

    async def settle(
        self, draft: Draft, submitted: "asyncio.Future[Settled]"
    ) -> orjson.Fragment:
        """Wait for a draft's batch and give what became of it, as `send` does."""
        for _ in range(_TRIES):
            written, message = await submitted
            if message is not None:
                return orjson.Fragment(message)
            if written.reason == "raced":
                submitted = self._batcher.submit(draft)
                continue
            self._give_back(draft)
            if written.is_same:
                return await self._first_stored(draft.sender_id, written)
            raise _refusal(written.reason)
        raise Unavailable

    async def _direct_with(self, actor: Actor, other: UserId) -> ConversationId:
        pair = (min(actor.user_id, other), max(actor.user_id, other))
        known = self._direct.get(pair)
        if known is None:
            async with self._transactions(actor.user_id) as work:
                known = await work.conversations.direct_with(actor.user_id, other)
                if known is None:
                    known = await open_direct(work, actor, other)
                    # After it, so that who may not open one learns why.
                    await self._limits.check("conversations", actor.user_id)
            self._recipients.remember(actor.user_id, known, other)
            self._direct[pair] = known
            if len(self._direct) > _REMEMBERED_PAIRS:
                self._direct.popitem(last=False)
        return known

    async def _require_uploads(
        self,
        actor: Actor,
        conversation: ConversationId,
        named: Mapping[UploadId, Attachment],
        client_id: UUID,
    ) -> None:
        async with self._transactions(actor.user_id) as work:
            uploads = await require_sendable(
                work, actor, conversation, named, client_id
            )
        assert self._files is not None  # noqa: S101 - without it none is an upload
        for upload in uploads:
            if not await self._files.has(upload):
                raise Invalid(f"attachments: {upload.id} has not been uploaded.")

    def _give_back(self, draft: Draft) -> None:
        other = self._recipients.known(draft.sender_id, draft.conversation_id)
        if other is not None:
            self._limits.give_back("messages_to", other)

    async def _first_stored(self, sender: UserId, written: Written) -> orjson.Fragment:
        """Give a message that was sent before, as far as its sender may read it now."""
        assert written.message_id is not None  # noqa: S101 - a known one has its id
        async with self._transactions(sender) as work:
            message = await work.messages.by_id(
                written.conversation_id, written.message_id
            )
        if message is None:
            # With it would come what others have made of it since.
            raise NotAParticipant
        return orjson.Fragment(dumps(message_object(message)))


def _draft(actor: Actor, conversation: ConversationId, command: SendMessage) -> Draft:
    attachments = orjson.dumps(
        [attachment.model_dump() for attachment in command.attachments]
    )
    metadata = orjson.dumps(command.metadata, option=orjson.OPT_SORT_KEYS)
    content = hashlib.blake2b(digest_size=16)
    for part in (
        conversation.bytes,
        command.reply_to_id.bytes if command.reply_to_id else b"",
        attachments,
        metadata,
        command.body.encode(),
    ):
        content.update(len(part).to_bytes(8))
        content.update(part)
    return Draft(
        id=MessageId(uuid7()),
        conversation_id=conversation,
        sender_id=actor.user_id,
        client_id=command.client_id,
        digest=UUID(bytes=content.digest()),
        body=command.body,
        attachments=attachments.decode(),
        reply_to_id=MessageId(command.reply_to_id) if command.reply_to_id else None,
        metadata=metadata.decode(),
    )


def _refusal(reason: str | None) -> Exception:
    if reason == "invalid_reply":
        return Invalid("reply_to_id names no message of this conversation.")
    if reason == "invalid_upload":
        return Invalid("attachments: an upload is sent once, within a day.")
    kind = BY_CODE.get(reason or "")
    return Internal() if kind is None else kind()
