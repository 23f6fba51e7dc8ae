"""
One process of the server: opens and closes its parts, commits and announces.

"Commit, then announce" happens here and nowhere else: in `transaction` for everything
that people do, in `_announce_batch` for messages. An announcement goes to this
process' sockets at once and to other nodes over the bus.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from math import nan
from uuid import UUID, uuid4

import orjson
from websockets.frames import CloseCode

from realtime.actions.resume import Resumed, resume
from realtime.actor import Actor
from realtime.announcements import (
    CLOSE_SESSIONS,
    COUNTED,
    PRESENCE_CHANGED,
    RELATIONS_CHANGED,
    Announcement,
    Run,
    Told,
)
from realtime.attachments import AttachmentRules
from realtime.auth import FULL_SCOPE, Authenticator, keep_key
from realtime.batcher import Batcher
from realtime.bus import Bus
from realtime.clock import Clock, system_clock
from realtime.departures import Departures
from realtime.encoding import appended_run, encode_draft, encode_recorded
from realtime.errors import Problem, Suspended, Unavailable
from realtime.file_stores import file_store
from realtime.frames import TextFrame
from realtime.hub import Hub, Listener
from realtime.limits import Limits, MemoryLimits, rates_of
from realtime.metrics import Metrics
from realtime.notifications.catalogue import load_catalogue
from realtime.notifications.job_alerts import CONSUMER as JOB_ALERTS
from realtime.notifications.relay import Relay
from realtime.notifications.reminders import CONSUMER as REMINDERS
from realtime.notifications.triggers import CONSUMER as NOTIFICATIONS
from realtime.presence import MemoryPresence, Presence
from realtime.protocol import CursorMoved, Draining, Event, Resync, encode_event
from realtime.push.addresses import PushHosts
from realtime.repair import Repair
from realtime.searching import Turns
from realtime.sender import Sender
from realtime.sequencer import Sequencer
from realtime.settings import Settings
from realtime.typists import Typists
from realtime.watching import Watching
from storage import consumers, feed
from storage.database import Database
from storage.errors import Busy
from storage.records import ApiKeyId, ConversationId, Draft, UserId, Written
from storage.resume import cluster_identity, decode_cursor, encode_cursor
from storage.snapshots import Snapshot
from storage.unit_of_work import UnitOfWork, begin

log = logging.getLogger(__name__)

# A message that overtook another waits this long before the database is asked.
REORDER_SECONDS = 0.05

_FORGET_EVERY_SECONDS = 60.0

# Those that tell people of what happens.
_CONSUMERS = (NOTIFICATIONS, JOB_ALERTS, REMINDERS)

# Sweeps are more frequent than this because access that was taken away must end
# within a second even where the bus lost the word; cursors need not be.
_CURSOR_EVERY_SECONDS = 2.0


class Node:
    """
    A running node.

    Between `open` and `close` everything else may be used; the database must have
    been migrated.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        bus: Bus,
        *,
        clock: Clock = system_clock,
        metrics: Metrics | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.id: UUID = uuid4()
        self.settings = settings
        self.clock = clock
        self.metrics = metrics or Metrics()
        self.limits = limits or MemoryLimits(
            rates_of(settings), refused=self.metrics.count_rate_limited
        )
        self.hub = Hub()
        self.bus = bus
        self.presence: Presence = MemoryPresence()
        self.watching: Watching
        self.typists = Typists()
        self.database = database
        self.batcher = Batcher(database, self.id, self.metrics, self._announce_batch)
        self.catalogue = load_catalogue(settings.catalogue)
        self.attachment_rules = AttachmentRules(settings)
        self.push_hosts = PushHosts.parse(settings.webpush_hosts)
        self.files = file_store(settings, clock)
        self.sender = Sender(
            self.transaction,
            self.batcher,
            self.limits,
            self.attachment_rules,
            self.files,
        )
        self.authenticator = Authenticator(settings, self.transaction, clock)
        self.searches = Turns()
        self.is_draining = False
        self.relay: Relay
        self._departures = Departures()
        self._identity = ""
        self._sequencer: Sequencer
        self._repair: Repair
        self._joins: dict[UserId, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._checking: set[ConversationId] = set()
        self._cursors_at = 0.0

    # --- life ---------------------------------------------------------------------

    async def open(self) -> None:
        """
        Reach the database and begin to listen for what others announce.

        Raises:
            Busy: PostgreSQL cannot be reached.
        """
        await self.database.open()
        async with self.database.hot() as connection:
            self._identity = await cluster_identity(connection)
            snapshot = await feed.current_snapshot(connection)
            # People are told of what happens from now on, whenever a worker comes.
            await consumers.begin(connection, _CONSUMERS)
        self._sequencer = Sequencer(snapshot, self._deliver_run)
        self._repair = Repair(
            self.database,
            self.hub,
            self._sequencer,
            snapshot,
            self.metrics,
            self._deliver_told,
        )
        if self.settings.bootstrap_key is not None:
            key = self.settings.bootstrap_key.get_secret_value()
            await keep_key(self.transaction, "bootstrap", frozenset({FULL_SCOPE}), key)
        await self.limits.open()
        self.watching = Watching(
            self.hub,
            self.presence,
            self.bus,
            self.transaction,
            clock=self.clock,
            metrics=self.metrics,
        )
        self.relay = Relay(
            self.transaction,
            lambda: self.clock(),  # noqa: PLW0108 - whichever is set then
            self.presence,
            self.settings,
            self.catalogue,
        )
        await self.bus.open(self._receive, self._wake.set)
        await self.presence.open(self.watching.changed, self.watching.recovered)
        self._spawn(self.watching.run(self.bus.announce))
        self._spawn(self._sweep_for_ever())
        self._spawn(self._forget_for_ever())

    async def close(self) -> None:
        """Commit what was taken, say goodbye and let go of everything."""
        self.is_draining = True
        await self.batcher.close()
        for listener in self.hub:
            listener.close_with(1012, "restarting")
        while self._tasks:
            # Again, should a library have taken the cancelling for a time-out.
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=1)
        await self.presence.close()
        await self.bus.close()
        await self.limits.close()
        await self.authenticator.close()
        if self.files is not None:
            await self.files.close()
        await self.database.close()

    def run_along(self, chores: Coroutine[None, None, None]) -> None:
        """Have something run beside the node until it closes, which cancels it."""
        self._spawn(chores)

    async def drain(self) -> None:
        """Send every socket away, a few at a time, so that others are not stormed."""
        self.is_draining = True
        window = self.settings.drain_seconds
        listeners = list(self.hub)
        event = Draining(reconnect_after_ms=int(window * 1000))
        for listener in listeners:
            listener.notify(self._frame_of(event.kind, event.json_data()))
        pause = window / max(len(listeners), 1)
        for listener in listeners:
            listener.close_with(1012, "restarting")
            await asyncio.sleep(min(pause, 0.05))

    # --- commit, then announce ----------------------------------------------------

    @asynccontextmanager
    async def transaction(
        self,
        user: UserId | None = None,
        *,
        key: ApiKeyId | None = None,
        is_snapshot: bool = False,
    ) -> AsyncIterator[UnitOfWork]:
        """
        Work in one transaction, then announce what it recorded.

        Raises:
            Unavailable: The database is away.
        """
        try:
            async with begin(
                self.database, self.id, user=user, key=key, is_snapshot=is_snapshot
            ) as work:
                yield work
                # Before the commit: what cannot be told is not done either.
                told = encode_recorded(work.recorded)
                runs = [appended_run(each) for each in work.appended]
        except Busy as error:
            raise Unavailable from error
        for reading in work.inbox.readings:
            self.metrics.observe_reading(reading.class_, reading.after)
        if told or runs:
            is_mixed = bool(told and runs)
            self._announce(Announcement(work.xid, told, runs, is_mixed))

    def _announce_batch(
        self, drafts: Sequence[Draft], written: Sequence[Written]
    ) -> Sequence[bytes | None]:
        """
        Announce a committed batch: the messages of each conversation as one run.

        Gives what is new in its encoded form, for who has sent it.
        """
        runs: dict[ConversationId, Run] = {}
        payloads: dict[ConversationId, list[bytes]] = {}
        messages: list[bytes | None] = []
        xid = 0
        for draft, outcome in zip(drafts, written, strict=True):
            if not outcome.is_new:
                messages.append(None)
                continue
            message, event = encode_draft(draft, outcome)
            messages.append(message)
            xid = outcome.xid
            conversation = outcome.conversation_id
            if conversation not in runs:
                payloads[conversation] = []
                runs[conversation] = Run(
                    conversation,
                    outcome.seq,
                    outcome.prev_xid,
                    outcome.audience or (),
                    payloads[conversation],
                )
            payloads[conversation].append(event)
        if runs:
            self._announce(Announcement(xid, runs=list(runs.values())))
        return messages

    def _announce(self, announcement: Announcement) -> None:
        self._receive(announcement)
        self._repair.settle(announcement.xid)
        self.bus.announce(announcement)

    def whisper(self, audience: Sequence[UserId], event: Event) -> None:
        """Tell what is worth nothing later: at most once, and never on resuming."""
        if audience:
            payload = encode_event(event.kind, self.clock(), event.json_data())
            told = Told(audience, event.kind, payload)
            self._deliver_whisper(told)
            self.bus.announce(Announcement(0, told=[told]))

    # --- delivery -----------------------------------------------------------------

    def _receive(self, announcement: Announcement) -> None:
        """Deliver an announcement of this node or another."""
        if not announcement.xid:
            for told in announcement.told:
                self._deliver_whisper(told)
            return
        if announcement.told and self._repair.is_news(announcement.xid):
            for told in announcement.told:
                self._deliver_told(told, announcement.xid)
            if announcement.is_mixed:
                self._repair.look_again(announcement.xid)
        for run in announcement.runs:
            if not self._sequencer.offer(run, announcement.xid):
                self._check_gap_soon(run.conversation_id)

    def _deliver_told(self, told: Told, xid: int) -> None:
        self.watching.knowing.doubt(told)
        if told.kind == RELATIONS_CHANGED:
            return
        if told.kind == CLOSE_SESSIONS:
            for user in told.audience:
                for listener in self.hub.of(user):
                    listener.close_with(Suspended.close or 1008, "access revoked")
            return
        if told.kind == COUNTED:
            self.metrics.show_drift(orjson.loads(told.payload)["data"]["drift"])
            return
        readers = self._departures.readers_of(told)
        count = self.hub.deliver(readers, TextFrame(told.payload), xid)
        self._departures.note(told, time.monotonic())
        self.metrics.deliveries.inc(count)

    def _deliver_whisper(self, told: Told) -> None:
        """Deliver what belongs to no transaction."""
        if told.kind == PRESENCE_CHANGED:
            self.watching.hear(told.audience)
            return
        frame = TextFrame(told.payload)
        for user in told.audience:
            for listener in self.hub.of(user):
                listener.notify(frame)

    def _deliver_run(self, run: Run, xid: int) -> None:
        if not any(self.hub.has(user) for user in run.audience):
            return
        readers = self._departures.readers_of_run(run)
        # In one piece: handing over costs more than the bytes.
        count = self.hub.deliver(readers, TextFrame(*run.payloads), xid)
        self.metrics.deliveries.inc(count * len(run.payloads))

    def _check_gap_soon(self, conversation: ConversationId) -> None:
        if conversation not in self._checking:
            self._checking.add(conversation)
            loop = asyncio.get_running_loop()
            loop.call_later(REORDER_SECONDS, self._check_gap, conversation)

    def _check_gap(self, conversation: ConversationId) -> None:
        self._checking.discard(conversation)
        if self._sequencer.gap(conversation)[0] and not self.is_draining:
            self._spawn(self._fill_gap(conversation))

    async def _fill_gap(self, conversation: ConversationId) -> None:
        try:
            await self._repair.fill_gap(conversation)
        except Busy:
            # The sweep closes every gap that is left.
            self._wake.set()

    # --- repair -------------------------------------------------------------------

    async def _sweep_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.settings.repair_seconds):
                    await self._wake.wait()
            self._wake.clear()
            self.metrics.bus_connected.set(self.bus.is_connected)
            lag = self.bus.lag_seconds
            self.metrics.bus_lag_seconds.set(nan if lag is None else lag)
            self.metrics.bus_dropped.set(self.bus.dropped)
            try:
                await self._sweep()
            except Busy:
                self.metrics.sweeps.labels("unavailable").inc()
            except Exception:
                self.metrics.sweeps.labels("failed").inc()
                log.exception("sweep failed")

    async def _sweep(self) -> None:
        """Catch up; too late for that, have clients reload."""
        await self._check_identity()
        silence = time.monotonic() - self._repair.last_success
        if silence > self.settings.feed_keep_seconds / 2:
            await self._repair.start_anew()
            event = Resync(reason="repair_too_late")
            frame = self._frame_of(event.kind, event.json_data())
            for listener in self.hub:
                if not listener.notify(frame):
                    # Who cannot take the word resumes instead.
                    listener.close_with(CloseCode.SERVICE_RESTART, "repair too late")
            return
        await self._repair.sweep()
        self.metrics.sweeps.labels("done").inc()
        self._hand_out_cursors()

    async def _check_identity(self) -> None:
        """
        Begin anew where another database has taken over.

        A promoted standby or a restored copy counts transactions of its own: nothing
        that was remembered by them holds, neither here nor in cursors.
        """
        async with self.database.hot() as connection:
            identity = await cluster_identity(connection)
        if identity == self._identity:
            return
        log.warning("another database has taken over: everybody resumes")
        self._identity = identity
        await self._repair.start_anew()
        for listener in self.hub:
            listener.close_with(CloseCode.SERVICE_RESTART, "database changed")

    def _hand_out_cursors(self) -> None:
        """Give everybody who was told something the cursor that covers it."""
        now = time.monotonic()
        if now - self._cursors_at < _CURSOR_EVERY_SECONDS:
            return
        self._cursors_at = now
        moved = self.hub.moved()
        if not moved:
            return
        event = CursorMoved(cursor=self.cursor(self._repair.snapshot))
        frame = self._frame_of(event.kind, event.json_data())
        for listener in moved:
            if not listener.move_cursor(frame, self._repair.begun):
                self.hub.move_later(listener)

    async def _forget_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_FORGET_EVERY_SECONDS)
            with suppress(Busy):
                async with self.database.hot() as connection:
                    await feed.forget(connection, self.settings.feed_keep_seconds)

    # --- sockets ------------------------------------------------------------------

    async def attach(self, user: UserId, listener: Listener) -> None:
        """
        Have a socket given everything that is announced from now on.

        When this returns, transactions that commit later reach the socket; what
        committed before, a snapshot taken now sees.
        """
        if self.hub.add(user, listener):
            self._joins[user] = asyncio.get_running_loop().create_task(
                self.bus.join(user)
            )
        self.metrics.connections.set(len(self.hub))
        join = self._joins.get(user)
        if join is not None:
            await asyncio.shield(join)

    def detach(self, user: UserId, listener: Listener) -> None:
        """Forget a socket."""
        self.presence.leave(user, listener.session_id)
        self.watching.forget(user, listener)
        if self.hub.remove(user, listener):
            self._joins.pop(user, None)
            self.bus.leave(user)
        self.metrics.connections.set(len(self.hub))

    async def resume(self, actor: Actor, cursor: str | None) -> Resumed:
        """
        Take the socket's snapshot and what was missed before it.

        Raises:
            Unavailable: The database is away.
        """
        at = self.clock()
        async with self.transaction(actor.user_id, is_snapshot=True) as work:
            identity = await work.resume.identity()
            since = None if cursor is None else decode_cursor(identity, cursor)
            return await resume(
                work,
                actor,
                since,
                has_cursor=cursor is not None,
                at=at,
                limit=self.settings.resume_limit,
            )

    def cursor(self, snapshot: Snapshot) -> str:
        """Make the cursor that clients keep."""
        return encode_cursor(self._identity, snapshot)

    @property
    def sweeps_begun(self) -> int:
        """Count sweeps, so that a socket can tell which began after it came."""
        return self._repair.begun

    async def check_ready(self) -> dict[str, bool]:
        """Tell what works now: the database, and the bus where there is one."""
        try:
            async with self.database.hot() as connection:
                await connection.fetchval("SELECT 1")
            has_database = True
        except (Busy, Problem):
            has_database = False
        return {"database": has_database, "bus": self.bus.is_connected}

    def _frame_of(self, kind: str, data: dict[str, object]) -> TextFrame:
        return TextFrame(encode_event(kind, self.clock(), data))

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
