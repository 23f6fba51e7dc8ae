"""
The sweep of the feed: what no announcement brought, within seconds.

Every sweep asks for the feed rows that the snapshot of the one before did not see,
and delivers what this node's sockets have not had. Only when all of it is delivered
does the new snapshot count; it is then also the cursor that clients are given.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from realtime.announcements import Told
from realtime.encoding import encode_recorded, stored_runs
from realtime.hub import Hub
from realtime.metrics import Metrics
from realtime.protocol import ParticipantLeft
from realtime.sequencer import Sequencer
from storage import feed
from storage.database import Database
from storage.records import Appended, ConversationId, FeedRow
from storage.snapshots import Snapshot
from storage.unit_of_work import begin

log = logging.getLogger(__name__)

# What a sweep or a gap holds in memory at once.
_PAGE = 500


class Repair:
    """
    One node's memory of what it has delivered, and the way to catch up.

    `tell(told, xid)` delivers an event; messages go through the sequencer. Calls of
    `sweep` must not overlap; `fill_gap` may run beside it.
    """

    def __init__(
        self,
        database: Database,
        hub: Hub,
        sequencer: Sequencer,
        snapshot: Snapshot,
        metrics: Metrics,
        tell: Callable[[Told, int], None],
    ) -> None:
        self._database = database
        self._hub = hub
        self._sequencer = sequencer
        self._metrics = metrics
        self._tell = tell
        # Transactions whose events were delivered since the last sweep.
        self._told: set[int] = set()
        # Those of them that wrote messages too, which may be missing still.
        self._half: set[int] = set()
        self.snapshot = snapshot
        self.begun = 0
        self.last_success = time.monotonic()

    def is_news(self, xid: int) -> bool:
        """Tell whether a transaction's events are still to be delivered; once."""
        if self.snapshot.sees(xid) or xid in self._told:
            return False
        self._told.add(xid)
        return True

    def look_again(self, xid: int) -> None:
        """Have the sweep look for the messages of a transaction that told events."""
        self._half.add(xid)

    def settle(self, xid: int) -> None:
        """Take a transaction of this node, whose announcement was whole, as told."""
        self._half.discard(xid)
        if not self.snapshot.sees(xid):
            self._told.add(xid)

    async def sweep(self) -> None:
        """
        Deliver what was missed, then let the new snapshot count.

        Raises:
            Busy: The database is away; nothing is lost, the next sweep sees it all.
        """
        self.begun += 1
        async with self._database.hot() as connection:
            snapshot, xids = await feed.unseen(connection, self.snapshot)
        missed = sorted(
            xid for xid in xids if xid not in self._told or xid in self._half
        )
        for start in range(0, len(missed), _PAGE):
            async with self._database.hot() as connection:
                rows = await feed.rows(connection, missed[start : start + _PAGE])
            await self._deliver(rows)
        for conversation in self._sequencer.waiting():
            await self.fill_gap(conversation)
        self.snapshot = snapshot
        self._sequencer.advance(snapshot)
        self._told = {xid for xid in self._told if not snapshot.sees(xid)}
        self._half = {xid for xid in self._half if not snapshot.sees(xid)}
        self.last_success = time.monotonic()

    async def start_anew(self) -> None:
        """Give up what the feed may have forgotten: from now on, from here."""
        async with self._database.hot() as connection:
            self.snapshot = await feed.current_snapshot(connection)
        self._sequencer.advance(self.snapshot)
        self._told.clear()
        self._half.clear()
        self.last_success = time.monotonic()

    async def _deliver(self, rows: Sequence[FeedRow]) -> None:
        returned = await self._who_returned(rows)
        for row in rows:
            if row.events and self.is_news(row.xid):
                self._tell_row(row, returned)
        appended = [
            item
            for row in rows
            for item in row.appended
            if not self._sequencer.has_delivered(item.conversation_id, item.last_seq)
        ]
        if not appended:
            return
        async with self._database.hot() as connection:
            audiences = await feed.audiences(
                connection, [item.conversation_id for item in appended]
            )
        wanted = {
            conversation
            for conversation, users in audiences.items()
            if any(self._hub.has(user) for user in users)
        }
        await self._deliver_appended(
            [item for item in appended if item.conversation_id in wanted]
        )

    async def _who_returned(self, rows: Sequence[FeedRow]) -> set[tuple[str, str]]:
        """
        Name who has left a conversation by these rows and takes part in it again.

        Their return may have been announced already, and would be undone by a word of
        their going that comes late.
        """
        gone = {
            (event["data"]["conversation_id"], event["data"]["user_id"])
            for row in rows
            for event in row.events
            if event["type"] == ParticipantLeft.kind
        }
        if not gone:
            return set()
        async with self._database.hot() as connection:
            audiences = await feed.audiences(
                connection, [ConversationId(UUID(one)) for one, _ in gone]
            )
        return {
            (conversation, user)
            for conversation, user in gone
            if UUID(user) in audiences.get(ConversationId(UUID(conversation)), ())
        }

    def _tell_row(self, row: FeedRow, returned: set[tuple[str, str]]) -> None:
        try:
            events = [event for event in row.events if not _is_undone(event, returned)]
            for told in encode_recorded(events):
                self._metrics.repaired.labels("sweep").inc()
                self._tell(told, row.xid)
        except Exception:
            # One row that cannot be told must not keep all others from their readers.
            log.exception("feed row not told", extra={"xid": row.xid})

    async def _deliver_appended(self, appended: Sequence[Appended]) -> None:
        # In a conversation the order of commits is the order of `seq`, not of ids.
        in_order = sorted(
            appended, key=lambda item: (item.conversation_id, item.first_seq)
        )
        for start in range(0, len(in_order), _PAGE):
            page = in_order[start : start + _PAGE]
            async with begin(self._database, UUID(int=0)) as work:
                messages = await work.messages.in_ranges(page)
            # Who takes part is asked after the messages were read: who has left by
            # now is not told any more.
            async with self._database.hot() as connection:
                audiences = await feed.audiences(
                    connection, [item.conversation_id for item in page]
                )
            previous = {(item.conversation_id, item.first_seq): item for item in page}
            for run, xid in stored_runs(messages, audiences):
                item = previous.get((run.conversation_id, run.first_seq))
                known = item.prev_xid if item else xid
                self._metrics.repaired.labels("sweep").inc()
                self._sequencer.offer(run.after(known), xid)

    async def fill_gap(self, conversation: ConversationId) -> None:
        """Fetch what is missing in a conversation, if still something is."""
        has_gap, first = self._sequencer.gap(conversation)
        while has_gap:
            if first is None:
                known = self.snapshot
                async with self._database.hot() as connection:
                    floor = await feed.newest_floor(connection, conversation, known)
                if known is not self.snapshot:
                    # A sweep came between: what it delivered is not missing.
                    has_gap, first = self._sequencer.gap(conversation)
                    continue
                first = floor + 1
            async with begin(self._database, UUID(int=0)) as work:
                messages = await work.messages.after(conversation, first - 1, _PAGE)
            async with self._database.hot() as connection:
                audiences = await feed.audiences(connection, [conversation])
            self._metrics.repaired.labels("gap").inc(len(messages))
            self._sequencer.fill(conversation, first, stored_runs(messages, audiences))
            if not messages:
                return
            has_gap, first = self._sequencer.gap(conversation)


def _is_undone(event: Mapping[str, Any], returned: set[tuple[str, str]]) -> bool:
    data = event["data"]
    return event["type"] == ParticipantLeft.kind and (
        (data["conversation_id"], data["user_id"]) in returned
    )
