"""Buses that fail in ways which a test chooses."""

import random
from collections.abc import Sequence

from realtime.announcements import CLOSE_SESSIONS, Announcement
from realtime.bus import MemoryBus
from realtime.protocol import ParticipantLeft


class ReluctantBus(MemoryBus):
    """Keeps announcements until the test lets them go, in whatever order."""

    def __init__(self, nodes: list[MemoryBus]) -> None:
        super().__init__(nodes)
        self._kept: list[Announcement] = []

    def announce(self, announcement: Announcement) -> None:
        """Keep an announcement; what is worth nothing later goes at once."""
        if announcement.xid:
            self._kept.append(announcement)
        else:
            super().announce(announcement)

    def forget(self) -> None:
        """Forget what was kept so far."""
        self._kept.clear()

    def let_go(self, places: Sequence[int]) -> None:
        """Carry those which were kept at these places."""
        for place in places:
            super().announce(self._kept[place])


class LossyBus(MemoryBus):
    """Loses every word of somebody's going, and one in four of everything else."""

    def __init__(self, nodes: list[MemoryBus]) -> None:
        super().__init__(nodes)
        self._chances = random.Random(7)
        self.lost = 0

    def announce(self, announcement: Announcement) -> None:
        """Lose it or carry it."""
        kinds = {told.kind for told in announcement.told}
        if kinds & {ParticipantLeft.kind, CLOSE_SESSIONS}:
            self.lost += 1
        elif self._chances.random() > 0.25:
            super().announce(announcement)
