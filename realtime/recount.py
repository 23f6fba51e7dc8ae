"""
Going through all conversations, or some, and counting again: a little at a time.

Safe beside running servers: what looks wrong is looked at again under the lock that
everybody who writes takes, before it counts as wrong or is mended.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Protocol
from uuid import UUID

from realtime.actions.recount import recount_conversation
from realtime.announcements import COUNTED
from realtime.clock import instant
from storage.records import ConversationId
from storage.recount import KINDS, Drift
from storage.unit_of_work import UnitOfWork

# Conversations that one look goes through, at most.
PAGE = 1000

_FIRST = ConversationId(UUID(int=0))


class Transactions(Protocol):
    """Begins a transaction of the service; with `is_snapshot` one that only reads."""

    def __call__(
        self, *, is_snapshot: bool = False
    ) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin one."""
        ...


@dataclass
class Tally:
    """What was looked at, what was wrong, and what still is."""

    conversations: int = 0
    participants: int = 0
    messages: int = 0
    found: list[Drift] = field(default_factory=list)
    left: list[Drift] = field(default_factory=list)

    def found_by_kind(self) -> dict[str, int]:
        """Count what was wrong by kind, every kind named."""
        return _by_kind(self.found)

    def left_by_kind(self) -> dict[str, int]:
        """Count what still is wrong by kind, every kind named."""
        return _by_kind(self.left)


class Recount:
    """A way through the conversations, which knows where it stands."""

    def __init__(
        self,
        transaction: Transactions,
        *,
        is_mending: bool = False,
        after: ConversationId = _FIRST,
    ) -> None:
        self._transaction = transaction
        self._is_mending = is_mending
        self._after = after

    async def begin_anywhere(self) -> None:
        """Begin with a conversation by chance."""
        async with self._transaction(is_snapshot=True) as work:
            self._after = await work.recount.anywhere() or _FIRST

    async def go_on(self, tally: Tally, limit: int = PAGE) -> list[ConversationId]:
        """
        Look at the next conversations, at most so many; gives them, none at the end.

        After the end comes the beginning.

        Raises:
            Busy: The database is away; call again, nothing is lost.
        """
        async with self._transaction(is_snapshot=True) as work:
            ids = await work.recount.page(self._after, limit)
        await self.look_at(ids, tally)
        self._after = ids[-1] if ids else _FIRST
        return ids

    async def look_at(self, ids: Collection[ConversationId], tally: Tally) -> None:
        """Look at these conversations, and mend what is wrong where that is wanted."""
        if not ids:
            return
        async with self._transaction(is_snapshot=True) as work:
            participants, messages = await work.recount.size(ids)
            suspected = await work.recount.drift(ids)
        suspected.sort(key=lambda drift: drift.conversation_id)
        for _, drifts in groupby(suspected, lambda drift: drift.conversation_id):
            async with self._transaction() as work:
                found, left = await recount_conversation(
                    work, list(drifts), is_mending=self._is_mending
                )
            tally.found += found
            tally.left += left
        tally.conversations += len(ids)
        tally.participants += participants
        tally.messages += messages


class SpotChecks:
    """
    A look at some conversations now and then, which goes on where it stopped.

    Nothing is mended: why a count is wrong is for people to find out. What was wrong is
    looked at each time until it no longer is.
    """

    def __init__(self, transaction: Transactions) -> None:
        self._transaction = transaction
        self._recount: Recount | None = None
        self._wrong: set[ConversationId] = set()

    async def check(self, limit: int = PAGE) -> Tally:
        """
        Look at some more conversations, and have every node show what is wrong now.

        Raises:
            Busy: The database is away; the next check looks at what this one has not.
        """
        if self._recount is None:
            recount = Recount(self._transaction)
            await recount.begin_anywhere()
            self._recount = recount
        tally = Tally()
        seen = await self._recount.go_on(tally, limit)
        if not seen:
            # That was the end of them.
            seen = await self._recount.go_on(tally, limit)
        await self._recount.look_at(self._wrong.difference(seen), tally)
        self._wrong = {drift.conversation_id for drift in tally.left}
        await announce_drift(self._transaction, tally)
        return tally


async def announce_drift(transaction: Transactions, tally: Tally) -> None:
    """Have every node show in its metrics what is counted wrongly now."""
    async with transaction() as work:
        at = instant(datetime.now(UTC))
        work.record([], COUNTED, at, {"drift": tally.left_by_kind()})


def _by_kind(drifts: Iterable[Drift]) -> dict[str, int]:
    counts = Counter(drift.kind for drift in drifts)
    return {kind: counts[kind] for kind in KINDS}
