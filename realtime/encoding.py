"""From rows to the JSON of the wire: the one place for each event that rows become."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from realtime import protocol
from realtime.announcements import Run, Told
from realtime.clock import instant
from realtime.plain_json import dumps
from storage.feed import Audience
from storage.records import (
    Announced,
    ConversationId,
    Draft,
    Message,
    Quote,
    UserId,
    Written,
)


def message_object(message: Message) -> dict[str, Any]:
    """Give a stored message as the wire shows it."""
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "seq": message.seq,
        "client_id": message.client_id,
        "sender_id": message.sender_id,
        "kind": message.kind,
        "body": message.body,
        "attachments": message.attachments,
        "reply_to_id": message.reply_to_id,
        "metadata": message.metadata,
        "mentions": message.mentions,
        "reply_to": _quote_object(message.reply_to),
        "reactions": message.reactions,
        "sent_at": instant(message.sent_at),
        "edited_at": _maybe(message.edited_at),
        "deleted_at": _maybe(message.deleted_at),
        "read_at": _maybe(message.read_at),
    }


def draft_object(draft: Draft, written: Written) -> dict[str, Any]:
    """Give a message that has just been written, without reading it back."""
    assert written.sent_at is not None  # noqa: S101 - what is new has been sent
    return {
        "id": draft.id,
        "conversation_id": draft.conversation_id,
        "seq": written.seq,
        "client_id": draft.client_id,
        "sender_id": draft.sender_id,
        "kind": "text",
        "body": draft.body,
        "attachments": orjson.Fragment(draft.attachments),
        "reply_to_id": draft.reply_to_id,
        "metadata": orjson.Fragment(draft.metadata),
        "mentions": written.mentions,
        "reply_to": _quote_object(written.reply_to),
        "reactions": {},
        "sent_at": instant(written.sent_at),
        "edited_at": None,
        "deleted_at": None,
        "read_at": None,
    }


def encode_created(message: Mapping[str, Any]) -> bytes:
    """Tell that a message was stored."""
    return _created(message["sent_at"], dumps(message))


def encode_draft(draft: Draft, written: Written) -> tuple[bytes, bytes]:
    """Give a message that has just been written, and the event that tells of it."""
    message = draft_object(draft, written)
    encoded = dumps(message)
    return encoded, _created(message["sent_at"], encoded)


def _created(at: str, message: bytes) -> bytes:
    return dumps(
        {
            "type": protocol.MessageCreated.kind,
            "at": at,
            "data": {"message": orjson.Fragment(message)},
        }
    )


def encode_recorded(events: Iterable[Mapping[str, Any]]) -> list[Told]:
    """Encode what a unit of work has recorded, or the feed has kept of it."""
    return [
        Told(
            audience=[UserId(UUID(user)) for user in event["to"]],
            kind=event["type"],
            payload=dumps(
                {"type": event["type"], "at": event["at"], "data": event["data"]}
            ),
        )
        for event in events
    ]


def appended_run(appended: Announced) -> Run:
    """Make the run of a message that a unit of work has written."""
    message = appended.message
    return Run(
        conversation_id=message.conversation_id,
        first_seq=message.seq,
        prev_xid=appended.prev_xid,
        audience=appended.audience,
        payloads=(encode_created(message_object(message)),),
    )


def stored_runs(
    messages: Sequence[Message], audiences: Mapping[ConversationId, Audience]
) -> list[tuple[Run, int]]:
    """
    Make runs of one message each, in order, with the transaction that wrote it.

    `audiences` are of now: whoever has joined since a message, and may not read what
    was said before, is not told of it.
    """
    return [
        (
            Run(
                conversation_id=message.conversation_id,
                first_seq=message.seq,
                prev_xid=0,
                audience=[
                    user
                    for user, joined_seq in audiences.get(
                        message.conversation_id, {}
                    ).items()
                    if joined_seq < message.seq
                ],
                payloads=(encode_created(message_object(message)),),
            ),
            message.xid,
        )
        for message in messages
    ]


def _quote_object(quote: Quote | None) -> dict[str, Any] | None:
    if quote is None:
        return None
    return {
        "id": quote.id,
        "seq": quote.seq,
        "sender_id": quote.sender_id,
        "kind": quote.kind,
        "body": quote.body,
        "deleted_at": _maybe(quote.deleted_at),
    }


def _maybe(moment: datetime | None) -> str | None:
    return None if moment is None else instant(moment)
