"""What sessions last said of their typing, so that saying it again costs nothing."""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from realtime.hub import Listener
from storage.records import ConversationId

# The same again within this time is not told again: it lapses only after 6 s.
_REPEAT_SECONDS = 2.0

# Nobody begins and stops more often than this: so much is told in so many seconds.
_TOLD = 12
_TOLD_SECONDS = 6.0

_CONVERSATIONS = 32


@dataclass(slots=True)
class _Said:
    last: OrderedDict[ConversationId, tuple[bool, float]] = field(
        default_factory=OrderedDict
    )
    times: deque[float] = field(default_factory=lambda: deque(maxlen=_TOLD))


class Typists:
    """A memory of every live session, gone with it."""

    def __init__(self) -> None:
        self._said: WeakKeyDictionary[Listener, _Said] = WeakKeyDictionary()

    def is_worth_telling(
        self, listener: Listener, conversation: ConversationId, *, active: bool
    ) -> bool:
        """Tell whether others should hear this of a session; if so it is noted."""
        now = asyncio.get_running_loop().time()
        said = self._said.get(listener)
        if said is None:
            said = self._said[listener] = _Said()
        was_active, at = said.last.get(conversation, (None, 0.0))
        if was_active == active and now - at < _REPEAT_SECONDS:
            return False
        if len(said.times) == _TOLD and now - said.times[0] < _TOLD_SECONDS:
            return False
        said.times.append(now)
        said.last[conversation] = (active, now)
        said.last.move_to_end(conversation)
        if len(said.last) > _CONVERSATIONS:
            said.last.popitem(last=False)
        return True
