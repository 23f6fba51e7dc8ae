"""How far people have got: read and delivered markers, which only move forward."""

from dataclasses import dataclass

from realtime.actions.conversations import require_participant
from realtime.actor import Actor
from realtime.protocol import ReceiptDelivered, ReceiptRead
from realtime.telling import tell
from storage import records
from storage.records import ConversationId
from storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Markers:
    """Where the actor stands in a conversation now."""

    read_seq: int
    delivered_seq: int
    unread: int


async def mark_read(
    work: UnitOfWork, actor: Actor, conversation: ConversationId, seq: int
) -> Markers:
    """
    Note that the actor has read up to and including `seq`.

    What is read has been delivered. A `seq` beyond the last message counts as the
    last; one behind the marker changes nothing.

    Raises:
        NotFound, NotAParticipant: The actor does not read this conversation.
    """
    seen = await require_participant(work, actor, conversation)
    read = min(seq, seen.last_seq)
    moved = await work.conversations.mark(
        actor.user_id, conversation, read=read, delivered=0
    )
    before = _own(seen, actor)
    if moved is None:
        return Markers(before.read_seq, before.delivered_seq, seen.unread)
    if moved.read_seq > before.read_seq:
        await work.conversations.keep_receipt(
            actor.user_id, conversation, moved.read_seq, moved.read_at
        )
        tell(
            work,
            [participant.user_id for participant in seen.participants],
            ReceiptRead(
                conversation_id=conversation,
                user_id=actor.user_id,
                seq=moved.read_seq,
                at=moved.read_at,
            ),
        )
    return Markers(
        moved.read_seq, moved.delivered_seq, max(seen.last_seq - moved.read_seq, 0)
    )


async def mark_delivered(
    work: UnitOfWork, actor: Actor, conversation: ConversationId, seq: int
) -> Markers:
    """
    Note that messages up to and including `seq` have reached a device of the actor.

    Raises:
        NotFound, NotAParticipant: The actor does not read this conversation.
    """
    seen = await require_participant(work, actor, conversation)
    moved = await work.conversations.mark(
        actor.user_id, conversation, read=0, delivered=min(seq, seen.last_seq)
    )
    before = _own(seen, actor)
    if moved is None:
        return Markers(before.read_seq, before.delivered_seq, seen.unread)
    tell(
        work,
        [participant.user_id for participant in seen.participants],
        ReceiptDelivered(
            conversation_id=conversation,
            user_id=actor.user_id,
            seq=moved.delivered_seq,
            at=moved.delivered_at,
        ),
    )
    return Markers(moved.read_seq, moved.delivered_seq, seen.unread)


def _own(seen: records.Conversation, actor: Actor) -> records.Participant:
    return next(one for one in seen.participants if one.user_id == actor.user_id)
