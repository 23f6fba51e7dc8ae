"""
Who has just left which conversation: what was said before and comes late is dropped.

Audiences are those of the commit. A message that waited for the one before it, or an
event that no announcement brought, may come after its reader has left; they are then
told no more of it (protocol.md, guarantee 6).
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from realtime.announcements import Run, Told
from realtime.protocol import (
    MANY_CONVERSATIONS,
    ConversationCreated,
    ParticipantLeft,
    Resync,
)
from storage.records import ConversationId, UserId

# Longer than anything is under way: the sweep brings what was lost within a second.
_REMEMBERED_SECONDS = 60.0
_REMEMBERED = 10_000


class Departures:
    """
    The departures of the last minute, as far as this node has heard of them.

    Pure: `now` is any clock that only moves forward, in seconds.
    """

    def __init__(self) -> None:
        self._gone: OrderedDict[tuple[UserId, ConversationId], tuple[int, float]] = (
            OrderedDict()
        )
        self._users: dict[UserId, int] = {}

    def note(self, told: Told, now: float) -> None:
        """Learn from an event, after it was delivered, who has left or is back."""
        if told.kind == ParticipantLeft.kind:
            data = orjson.loads(told.payload)["data"]
            self._forget(now)
            user = UserId(UUID(data["user_id"]))
            place = (user, ConversationId(UUID(data["conversation_id"])))
            self._drop(place)
            self._gone[place] = (data["last_seq"], now)
            self._users[user] = self._users.get(user, 0) + 1
        elif told.kind == ConversationCreated.kind and self._concerns(told.audience):
            data = orjson.loads(told.payload)["data"]["conversation"]
            for user in told.audience:
                self._drop((user, ConversationId(UUID(data["id"]))))
        elif told.kind == Resync.kind and self._concerns(told.audience):
            if orjson.loads(told.payload)["data"]["reason"] != MANY_CONVERSATIONS:
                return
            # Who is back in very many is not told in which.
            for place in [each for each in self._gone if each[0] in told.audience]:
                self._drop(place)

    def readers_of_run(self, run: Run) -> Sequence[UserId]:
        """Leave out who had left: what comes after a return has a later `seq`."""
        if not self._concerns(run.audience):
            return run.audience
        return [
            user
            for user in run.audience
            if run.first_seq > self._gone.get((user, run.conversation_id), (0, 0.0))[0]
        ]

    def readers_of(self, told: Told) -> Sequence[UserId]:
        """Leave out who had left the conversation that an event is about."""
        if told.kind in {ParticipantLeft.kind, ConversationCreated.kind} or (
            not self._concerns(told.audience)
        ):
            return told.audience
        conversation = _conversation_of(orjson.loads(told.payload)["data"])
        return [
            user for user in told.audience if (user, conversation) not in self._gone
        ]

    def _concerns(self, audience: Sequence[UserId]) -> bool:
        return bool(self._users) and not self._users.keys().isdisjoint(audience)

    def _forget(self, now: float) -> None:
        while self._gone:
            place, (_, at) = next(iter(self._gone.items()))
            if len(self._gone) < _REMEMBERED and now - at < _REMEMBERED_SECONDS:
                return
            self._drop(place)

    def _drop(self, place: tuple[UserId, ConversationId]) -> None:
        if self._gone.pop(place, None) is None:
            return
        left = self._users[place[0]] - 1
        if left:
            self._users[place[0]] = left
        else:
            del self._users[place[0]]


def _conversation_of(data: Mapping[str, Any]) -> ConversationId | None:
    """Find the conversation of an event, in whichever of its objects that is named."""
    about = data.get("conversation_id")
    about = about or data.get("message", {}).get("conversation_id")
    about = about or data.get("conversation", {}).get("id")
    return ConversationId(UUID(about)) if about else None
