"""
Who was told how somebody stands, and is told when they may know it no more.

A right to know that begins or ends is announced like anything else and so reaches every
node within a second: as an event of the two people's connection or of a thread, as
`RELATIONS_CHANGED`, or by closing sessions. Here that only raises doubts; what is true
is asked of the database, for those pairs of watcher and watched that are on this node.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice, permutations
from uuid import UUID

import orjson

from realtime.actions.presence import presence_of
from realtime.announcements import CLOSE_SESSIONS, RELATIONS_CHANGED, Told
from realtime.clock import Clock
from realtime.errors import Unavailable
from realtime.frames import TextFrame
from realtime.hub import Hub, Listener
from realtime.presence import Presence
from realtime.protocol import (
    CONNECTION_EVENTS,
    MANY_CONVERSATIONS,
    ConversationCreated,
    ParticipantLeft,
    PresenceEntry,
    PresenceStatus,
    Resync,
    encode_event,
)
from realtime.protocol import Presence as PresenceEvent
from realtime.watches import Watches
from realtime.work import Transactions
from storage.presence import LastSeen
from storage.records import UserId

Pair = tuple[UserId, UserId]

# What is asked of Redis or the database at once.
_USERS = 500
_PAIRS = 1000

# Of what was told, so much is asked again at each look at all.
_ASKED_AGAIN = 10_000

_RETRY_SECONDS = 1.0

_OF_PAIRS = frozenset(event.kind for event in CONNECTION_EVENTS.values())


class Knowing:
    """
    The pairs of this node, a watcher and whom they watch, that were told something.

    `wake` is called when `review` has something to do. `review` and `tell` must not
    overlap; everything else is synchronous and may come between.
    """

    def __init__(
        self,
        hub: Hub,
        watches: Watches,
        presence: Presence,
        transactions: Transactions,
        *,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._watches = watches
        self._presence = presence
        self._transactions = transactions
        self._clock = clock
        self._wake = wake
        # What watchers who may know were last told; who is in no pair knows nothing.
        self._known: dict[Pair, PresenceStatus] = {}
        self._users: set[UserId] = set()
        self._pairs: set[Pair] = set()
        self.doubts = 0

    def __len__(self) -> int:
        return len(self._known)

    # --- what sessions are answered -----------------------------------------------

    def note(self, watcher: UserId, listener: Listener, entry: PresenceEntry) -> None:
        """Note what a session is answered; the watcher's others may know otherwise."""
        pair = (watcher, UserId(entry.user_id))
        sessions = self._sessions(*pair)
        if listener not in sessions:
            # It has ended meanwhile.
            return
        if len(sessions) > 1 and self._known.get(pair) != entry.status:
            self.doubt_pairs([pair])
        else:
            self._known[pair] = entry.status

    def forget(self, watcher: UserId, users: Iterable[UserId]) -> None:
        """Forget whom no session of the watcher watches any more."""
        for user in users:
            if not self._sessions(watcher, user):
                self._known.pop((watcher, user), None)

    def _sessions(self, watcher: UserId, user: UserId) -> list[Listener]:
        return [
            listener
            for listener in self._hub.of(watcher)
            if user in self._watches.of(listener)
        ]

    # --- doubts -------------------------------------------------------------------

    def doubt(self, told: Told) -> None:
        """Learn from an event whose right to know may have begun or ended."""
        if told.kind in _OF_PAIRS or (
            told.kind == RELATIONS_CHANGED and len(told.audience) > 1
        ):
            self.doubts += 1
            self.doubt_pairs(permutations(told.audience, 2))
            return
        users = _concerned(told)
        if users:
            self.doubts += 1
            relevant = {user for user in users if self._is_in_a_pair(user)}
            if relevant:
                self._users |= relevant
                self._wake()

    def doubt_pairs(self, pairs: Iterable[Pair]) -> None:
        """Have pairs reviewed, those of them that are on this node."""
        relevant = {pair for pair in pairs if self._sessions(*pair)}
        if relevant:
            self._pairs |= relevant
            self._wake()

    def doubt_the_oldest(self) -> None:
        """Have those reviewed who know for longest that somebody is there."""
        there = (pair for pair, status in self._known.items() if status != "offline")
        for pair in list(islice(there, _ASKED_AGAIN)):
            self._known[pair] = self._known.pop(pair)
            self._pairs.add(pair)

    def _is_in_a_pair(self, user: UserId) -> bool:
        return user in self._watches or any(
            self._watches.of(listener) for listener in self._hub.of(user)
        )

    def _pairs_of(self, user: UserId) -> Iterator[Pair]:
        for watcher, _ in self._watches.watchers(user):
            yield watcher, user
        for listener in self._hub.of(user):
            for watched in self._watches.of(listener):
                yield user, watched

    # --- telling ------------------------------------------------------------------

    async def tell(self, statuses: Mapping[UserId, PresenceStatus]) -> None:
        """
        Tell watchers how users stand, of whom they may know.

        Raises:
            Unavailable: The database is away.
        """
        pairs = list(
            {
                (watcher, user)
                for user in statuses
                for watcher, _ in self._watches.watchers(user)
            }
        )
        for start in range(0, len(pairs), _PAIRS):
            page = pairs[start : start + _PAIRS]
            async with self._transactions() as work:
                permitted, seen = await work.presences.permitted(page)
            # At once: what is told was permitted a moment ago.
            self._tell_offline([pair for pair in page if pair not in permitted])
            self._tell_pairs(permitted, statuses, seen)

    async def review(self) -> None:
        """
        Settle the doubts: tell who may know no more, once, and who may again.

        Raises:
            Unavailable: The database is away; it is tried again soon.
        """
        doubted = self._pairs.union(*map(self._pairs_of, self._users))
        self._pairs, self._users = set(), set()
        pairs = [pair for pair in doubted if self._sessions(*pair)]
        try:
            for start in range(0, len(pairs), _USERS):
                await self._review(pairs[start : start + _USERS])
        except Unavailable:
            self._pairs.update(pairs)
            asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._wake)
            raise

    async def _review(self, page: Sequence[Pair]) -> None:
        found = await self._presence.find({user for _, user in page})
        async with self._transactions() as work:
            permitted, seen = await work.presences.permitted(page)
        self._tell_offline([pair for pair in page if pair not in permitted])
        statuses = {user: found.of(user) for _, user in permitted}
        news = {
            (watcher, user)
            for watcher, user in permitted
            if self._known.get((watcher, user)) != statuses[user]
        }
        if not found.is_whole:
            # Who is elsewhere cannot be seen from here now: later.
            unseen = {pair for pair in news if statuses[pair[1]] == "offline"}
            self._pairs |= unseen
            news -= unseen
        self._tell_pairs(news, statuses, seen)

    def _tell_pairs(
        self,
        pairs: Iterable[Pair],
        statuses: Mapping[UserId, PresenceStatus],
        seen: LastSeen,
    ) -> None:
        for user, watchers in _by_user(pairs).items():
            entry = presence_of(user, statuses[user], seen[user])
            frame = self._frame_of(entry)
            for watcher in watchers:
                self._known[watcher, user] = entry.status
                for listener in self._sessions(watcher, user):
                    listener.notify(frame)

    def _tell_offline(self, pairs: Iterable[Pair]) -> None:
        """Take back what these were told; who was told nothing is told nothing now."""
        known = [pair for pair in pairs if pair in self._known]
        for user, watchers in _by_user(known).items():
            frame = self._frame_of(presence_of(user, "offline", None))
            for watcher in watchers:
                if self._known.pop((watcher, user)) != "offline":
                    for listener in self._sessions(watcher, user):
                        listener.notify(frame)

    def _frame_of(self, entry: PresenceEntry) -> TextFrame:
        event = PresenceEvent(**entry.model_dump())
        return TextFrame(encode_event(event.kind, self._clock(), event.json_data()))


def _by_user(pairs: Iterable[Pair]) -> Mapping[UserId, Sequence[UserId]]:
    watchers: defaultdict[UserId, list[UserId]] = defaultdict(list)
    for watcher, user in pairs:
        watchers[user].append(watcher)
    return watchers


def _concerned(told: Told) -> Collection[UserId]:
    """Name whose right to know, or to be known of, may be another by an event."""
    if told.kind in {RELATIONS_CHANGED, CLOSE_SESSIONS}:
        return told.audience
    if told.kind == Resync.kind:
        # Who has come into more threads than could be told.
        reason = orjson.loads(told.payload)["data"]["reason"]
        return told.audience if reason == MANY_CONVERSATIONS else []
    if told.kind == ParticipantLeft.kind:
        return [UserId(UUID(orjson.loads(told.payload)["data"]["user_id"]))]
    if told.kind == ConversationCreated.kind:
        conversation = orjson.loads(told.payload)["data"]["conversation"]
        # A direct one gives no right.
        return [] if conversation["kind"] == "direct" else told.audience
    return []
