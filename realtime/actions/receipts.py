"""How far people have got: read and delivered markers, which only move forward."""

from dataclasses import dataclass
from datetime import datetime

from realtime.actions.notifications import settle_conversation
from realtime.actor import Actor
from realtime.errors import NotAParticipant, NotFound
from realtime.protocol import ReceiptDelivered, ReceiptRead
from realtime.telling import tell
from storage.receipts import Standing
from storage.records import ConversationId
from storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Markers:
    """Where the actor stands in a conversation now."""

    read_seq: int
    delivered_seq: int
    unread: int


async def mark_read(
    work: UnitOfWork,
    actor: Actor,
    conversation: ConversationId,
    seq: int,
    *,
    now: datetime,
) -> Markers:
    """
    Note that the actor has read up to and including `seq`.

    What is read has been delivered. A `seq` beyond the last message counts as the
    last; one behind the marker changes nothing. Who hides receipts, reads in a large
    group, or is parted from the other by a block, tells only their own sessions.
    Notifications of what is read are read, too.

    Raises:
        NotFound, NotAParticipant: The actor does not read this conversation.
    """
    before = await _standing(work, actor, conversation)
    moved = await work.receipts.mark(
        actor.user_id, conversation, read=min(seq, before.last_seq), delivered=0
    )
    # Who has sent something has read all before it, with nobody to say so here.
    read_seq = moved.read_seq if moved else before.read_seq
    await settle_conversation(work, actor.user_id, conversation, read_seq, now)
    if moved is None:
        return _markers(before)
    if moved.read_seq > before.read_seq:
        if not moved.is_hidden:
            await work.receipts.keep(
                actor.user_id, conversation, moved.read_seq, moved.read_at
            )
        tell(
            work,
            await work.receipts.audience(conversation),
            ReceiptRead(
                conversation_id=conversation,
                user_id=actor.user_id,
                seq=moved.read_seq,
                at=moved.read_at,
            ),
        )
    return _markers(await _standing(work, actor, conversation))


async def mark_delivered(
    work: UnitOfWork, actor: Actor, conversation: ConversationId, seq: int
) -> Markers:
    """
    Note that messages up to and including `seq` have reached a device of the actor.

    Told to the same people as what is read.

    Raises:
        NotFound, NotAParticipant: The actor does not read this conversation.
    """
    before = await _standing(work, actor, conversation)
    moved = await work.receipts.mark(
        actor.user_id, conversation, read=0, delivered=min(seq, before.last_seq)
    )
    if moved is None:
        return _markers(before)
    tell(
        work,
        await work.receipts.audience(conversation),
        ReceiptDelivered(
            conversation_id=conversation,
            user_id=actor.user_id,
            seq=moved.delivered_seq,
            at=moved.delivered_at,
        ),
    )
    return Markers(moved.read_seq, moved.delivered_seq, before.unread)


async def _standing(
    work: UnitOfWork, actor: Actor, conversation: ConversationId
) -> Standing:
    found = await work.receipts.standing(actor.user_id, conversation)
    if found is None:
        reason = await work.ledger.may_write(actor.user_id, conversation)
        raise NotAParticipant if reason == NotAParticipant.code else NotFound
    return found


def _markers(standing: Standing) -> Markers:
    return Markers(standing.read_seq, standing.delivered_seq, standing.unread)
