"""What is encoded by hand for speed is what the wire's shapes say."""

import json
from datetime import UTC, datetime
from uuid import uuid4

from realtime.encoding import draft_object, encode_created, message_object
from realtime.protocol import Message
from storage.records import ConversationId, Draft, MessageId, Quote, UserId, Written
from storage.records import Message as StoredMessage

MOMENT = datetime(2026, 11, 21, 1, 20, 0, 123000, tzinfo=UTC)


def stored(draft: Draft, written: Written) -> StoredMessage:
    assert written.sent_at is not None
    return StoredMessage(
        id=draft.id,
        conversation_id=draft.conversation_id,
        seq=written.seq,
        client_id=draft.client_id,
        sender_id=draft.sender_id,
        kind="text",
        body=draft.body,
        attachments=json.loads(draft.attachments),
        reply_to_id=draft.reply_to_id,
        metadata=json.loads(draft.metadata),
        sent_at=written.sent_at,
        edited_at=None,
        deleted_at=None,
        read_at=None,
        xid=written.xid,
        mentions=written.mentions,
        reply_to=written.reply_to,
    )


def test_a_fresh_message_a_stored_one_and_the_shape_agree() -> None:
    draft = Draft(
        id=MessageId(uuid4()),
        conversation_id=ConversationId(uuid4()),
        sender_id=UserId(uuid4()),
        client_id=uuid4(),
        digest=uuid4(),
        body="Grüße 👋\n\u2028",
        attachments='[{"url":"https://a.example","name":"a","mime_type":"a/b","size":1}]',
        reply_to_id=MessageId(uuid4()),
        metadata='{"a":{"b":[1,2.5,null]}}',
    )
    written = Written(
        is_new=True,
        is_same=False,
        reason=None,
        conversation_id=draft.conversation_id,
        message_id=draft.id,
        seq=7,
        sent_at=MOMENT,
        xid=100,
        prev_xid=99,
        audience=[draft.sender_id],
        mentions=[UserId(uuid4())],
        reply_to=Quote(
            id=MessageId(uuid4()),
            seq=1,
            sender_id=UserId(uuid4()),
            kind="text",
            body="",
            deleted_at=MOMENT,
        ),
    )
    fresh = json.loads(encode_created(draft_object(draft, written)))
    again = json.loads(encode_created(message_object(stored(draft, written))))
    shape = Message.model_validate(stored(draft, written)).json_data()
    assert fresh == again
    assert fresh["data"]["message"] == shape
    assert list(fresh["data"]["message"]) == list(again["data"]["message"])
    assert shape["reply_to"]["deleted_at"] == shape["sent_at"]
    assert fresh["at"] == shape["sent_at"] == "2026-11-21T01:20:00.123Z"
