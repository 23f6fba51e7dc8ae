"""
Who watches whom on this node, and what they are told.

A change travels to the nodes that have somebody watching, and to no other: a node with
a first watcher of somebody joins a user id that is made from theirs, on the bus. What
travels says only "look again", so that what comes late or twice can do no harm. Whether
a watcher may know is asked each time that there is something to tell. What is lost on
the way is found when the node looks again at all whom it has watched, now and then.
What becomes of those whose right to know ends or begins stands in `knowing.py`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from realtime.actions.presence import find_known, presence_of
from realtime.actor import Actor
from realtime.announcements import PRESENCE_CHANGED, Announcement, Told
from realtime.bus import Bus
from realtime.clock import Clock
from realtime.errors import Invalid, Unauthenticated, Unavailable
from realtime.hub import Hub, Listener
from realtime.knowing import Knowing
from realtime.metrics import Metrics
from realtime.presence import GRACE, Change, Presence
from realtime.protocol import PresenceEntry, PresenceStatus
from realtime.watches import Watches, watch_id
from realtime.work import Transactions
from storage.presence import LastSeen
from storage.records import UserId

log = logging.getLogger(__name__)

# What one session may watch, over all its commands.
WATCHES = 500

# How long a watch waits for the bus: a change meanwhile is found a little later.
_PATIENCE = 0.5

# What is asked of Redis at once.
_USERS = 500

LOOK_AGAIN_SECONDS = 30.0

# After having told something: whoever comes and goes without end is told of so often.
_PAUSE_SECONDS = 0.05


class Watching:
    """
    The watches of this node's sessions; they end with them.

    `run` does the telling and must run all the time.
    """

    def __init__(
        self,
        hub: Hub,
        presence: Presence,
        bus: Bus,
        transactions: Transactions,
        *,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._hub = hub
        self._presence = presence
        self._bus = bus
        self._transactions = transactions
        self._metrics = metrics
        self.watches = Watches()
        self._wake = asyncio.Event()
        self.knowing = Knowing(
            hub,
            self.watches,
            presence,
            transactions,
            clock=clock,
            wake=self._wake.set,
        )
        self._joins: dict[UserId, asyncio.Task[None]] = {}
        # How watchers were last told that somebody stands.
        self._told: dict[UserId, PresenceStatus] = {}
        self._changes: list[Change] = []
        self._unsaved: dict[UserId, datetime] = {}
        self._unsure: set[UserId] = set()
        loop = asyncio.get_running_loop()
        self._look_at = loop.time() + LOOK_AGAIN_SECONDS

    # --- for sessions -------------------------------------------------------------

    async def look_up(
        self, actor: Actor, users: Sequence[UserId]
    ) -> list[PresenceEntry]:
        """
        Tell how people stand, of those whom the actor may know.

        Raises:
            Unavailable: The database is away.
        """
        async with self._transactions(actor.user_id) as work:
            known = await find_known(work, actor, users)
        return await self._answer(known)

    async def watch(
        self, actor: Actor, listener: Listener, users: Sequence[UserId]
    ) -> list[PresenceEntry]:
        """
        Have a session told when people stand otherwise, as long as it may know.

        Gives how they stand now, of those whom it may know now.

        Raises:
            Invalid: The session watches too many.
            Unavailable: The database is away.
        """
        if len(self.watches.of(listener) | set(users)) > WATCHES:
            raise Invalid(f"A session watches at most {WATCHES} people.")
        doubts = self.knowing.doubts
        async with self._transactions(actor.user_id) as work:
            known = await find_known(work, actor, users)
        if listener not in self._hub.of(actor.user_id):
            raise Unauthenticated("The session has ended.")
        self._begin(actor.user_id, listener, users)
        joins = {self._joins[user] for user in users}
        if joins:
            await asyncio.wait(joins, timeout=_PATIENCE)
        entries = await self._answer(known)
        for entry in entries:
            self.knowing.note(actor.user_id, listener, entry)
        if self.knowing.doubts != doubts:
            # Something has changed after it was asked who may be known.
            self.knowing.doubt_pairs((actor.user_id, user) for user in users)
        return entries

    def unwatch(
        self, watcher: UserId, listener: Listener, users: Collection[UserId]
    ) -> None:
        """Have a session told no more of these; who was not watched stays so."""
        for user in self.watches.end(listener, users):
            del self._joins[user]
            self._told.pop(user, None)
            self._bus.leave(watch_id(user))
        self.knowing.forget(watcher, users)
        self._metrics.presence_watches.set(len(self.watches))

    def forget(self, watcher: UserId, listener: Listener) -> None:
        """End all watches of a session."""
        watched = set(self.watches.of(listener))
        if watched:
            self.unwatch(watcher, listener, watched)

    async def _answer(self, known: LastSeen) -> list[PresenceEntry]:
        found = await self._presence.find(known.keys())
        entries = []
        for user, seen in known.items():
            status = found.of(user)
            if found.is_whole:
                self._compare(user, status)
            elif status == "offline":
                # Better what was last heard than what this node alone can tell.
                status = self._told.get(user, status)
            entries.append(presence_of(user, status, seen))
        return entries

    def _compare(self, user: UserId, status: PresenceStatus) -> None:
        """Note what one watcher is told now; others may have been told otherwise."""
        if user in self.watches and self._told.setdefault(user, status) != status:
            # Either of the two is newer.
            del self._told[user]
            self._look_soon(user)

    def _begin(
        self, watcher: UserId, listener: Listener, users: Iterable[UserId]
    ) -> None:
        joining = self.watches.begin(watcher, listener, users)
        if joining:
            task = asyncio.get_running_loop().create_task(self._join(joining))
            self._joins.update(dict.fromkeys(joining, task))
        self._metrics.presence_watches.set(len(self.watches))

    async def _join(self, users: Sequence[UserId]) -> None:
        await asyncio.gather(*(self._bus.join(watch_id(user)) for user in users))

    # --- what has changed ---------------------------------------------------------

    def changed(self, change: Change) -> None:
        """Take a change that is this node's to tell."""
        self._changes.append(change)
        self._wake.set()

    def hear(self, watches: Iterable[UserId]) -> None:
        """Take from another node that these have changed."""
        for watch in watches:
            user = self.watches.user_of(watch)
            if user is not None:
                self._look_soon(user)

    def recovered(self) -> None:
        """Look again at all, when every other node has said who is there, too."""
        loop = asyncio.get_running_loop()
        self._look_at = loop.time() + GRACE.total_seconds()
        self._wake.set()

    def _look_soon(self, user: UserId) -> None:
        self._unsure.add(user)
        self._wake.set()

    # --- telling ------------------------------------------------------------------

    async def run(self, announce: Callable[[Announcement], None]) -> None:
        """Tell what changes, for ever; `announce` tells other nodes."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._look_at):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._tell_all(announce)
            except Unavailable:
                log.debug("presence has to wait for the database")
            except Exception:
                log.exception("presence was not told")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _tell_all(self, announce: Callable[[Announcement], None]) -> None:
        changes, self._changes = self._changes, []
        own = {change.user for change in changes}
        self._unsaved |= {
            change.user: change.seen_at
            for change in changes
            if change.status == "offline"
        }
        try:
            await self._save()
        finally:
            # Before the database answers again it is told without the moment.
            for user in own:
                told = Told([watch_id(user)], PRESENCE_CHANGED, b"{}")
                announce(Announcement(0, told=[told]))
            unsure, self._unsure = self._unsure, set()
            await self._look(own, is_own=True)
            await self._look(unsure - own)
        await self.knowing.review()
        loop = asyncio.get_running_loop()
        if loop.time() >= self._look_at:
            self._look_at = loop.time() + LOOK_AGAIN_SECONDS
            self.knowing.doubt_the_oldest()
            await self.knowing.review()
            await self._look(list(self.watches))

    async def _save(self) -> None:
        """Keep when people who have gone were last there."""
        if not self._unsaved:
            return
        unsaved = dict(self._unsaved)
        async with self._transactions() as work:
            await work.presences.keep_last_seen(unsaved)
        for user, moment in unsaved.items():
            if self._unsaved.get(user) == moment:
                del self._unsaved[user]

    async def _look(self, users: Collection[UserId], *, is_own: bool = False) -> None:
        """Tell watchers how users stand, where that is not what they were told."""
        watched = [user for user in users if user in self.watches]
        for start in range(0, len(watched), _USERS):
            page = watched[start : start + _USERS]
            found = await self._presence.find(page)
            if not found.is_whole and not is_own:
                # Who is elsewhere cannot be seen from here now; that is no news.
                return
            news = {
                user: found.of(user)
                for user in page
                if found.of(user) != self._told.get(user)
            }
            await self.knowing.tell(news)
            self._told.update(
                {user: news[user] for user in news if user in self.watches}
            )
