"""
Makes a store whole over HTTP: everything anew, or only what is missing.
"""

import logging

from callboard_client.errors import ProtocolFault, Refused
from callboard_client.http import Api
from callboard_client.store import Conversations
from callboard_client.timeline import Gap

__all__ = ["fill_gaps", "reload_all"]

log = logging.getLogger(__name__)

# What a conversation answers that may no longer be read.
UNREADABLE = frozenset({"not_found", "not_a_participant", "forbidden"})
# Each round makes known what was missing; more than so many are a fault.
MOST_ROUNDS = 100


async def reload_all(api: Api, store: Conversations) -> None:
    """
    Fetch the whole state, edits of held messages included.

    Events that come meanwhile are to be applied afterwards; they repeat or follow it.

    Raises:
        Refused: A list was refused.
        httpx.TransportError: The server could not be reached; call again, what was
            done does no harm.
    """
    conversations = await api.conversations()
    connections = await api.connections()
    store.reload(conversations, connections)
    for conversation_id in store.ids():
        timeline = store.timeline(conversation_id)
        if timeline is not None and timeline.last_seq > timeline.base:
            await fetch(
                api, store, conversation_id, Gap(timeline.base, timeline.last_seq)
            )


async def fill_gaps(api: Api, store: Conversations) -> None:
    """
    Fetch what the store knows to be missing, until it misses nothing.

    Raises:
        Refused: Something was refused for another reason than the right to read.
        httpx.TransportError: The server could not be reached; call again.
        ProtocolFault: What it gives is never what was asked for.
    """
    rounds = 0
    while missing := store.missing():
        rounds += 1
        if rounds > MOST_ROUNDS:
            raise ProtocolFault("what is missing does not come")
        for each in missing:
            if each.details:
                await fetch_details(api, store, each.conversation_id)
            for gap in each.gaps:
                await fetch(api, store, each.conversation_id, gap)


async def fetch_details(api: Api, store: Conversations, conversation_id: str) -> None:
    """
    Fetch a conversation, or forget it when it may not be read.
    """
    try:
        store.load_conversation(await api.conversation(conversation_id))
    except Refused as refused:
        forget(store, conversation_id, refused)


async def fetch(api: Api, store: Conversations, conversation_id: str, gap: Gap) -> None:
    """
    Fetch a range of messages; what the server does not give of it is given up.
    """
    try:
        history = api.history(conversation_id, after=gap.after, upto=gap.upto)
        async for message in history:
            store.load_messages([message])
    except Refused as refused:
        forget(store, conversation_id, refused)
        return
    store.give_up(conversation_id, gap)


def forget(store: Conversations, conversation_id: str, refused: Refused) -> None:
    """
    Drop a conversation that was refused for good; raise any other refusal again.
    """
    if refused.code not in UNREADABLE:
        raise refused
    log.info(
        "conversation is no longer readable",
        extra={"conversation_id": conversation_id, "code": refused.code},
    )
    store.forget(conversation_id)
