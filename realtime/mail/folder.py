"""
Mails as files, where there is no mail server: for development, to look at.
"""

import asyncio
from pathlib import Path

from realtime.errors import Unavailable
from realtime.mail.composer import Composer
from realtime.notifications.notifier import Outcome, Parcel, Rejected, Retry, Sent
from storage.errors import Busy

# The oldest go first.
_KEPT = 200


class FolderNotifier:
    """Writes each mail into a folder as an .eml file, which mail programs open."""

    def __init__(self, directory: Path, composer: Composer) -> None:
        self._directory = directory
        self._composer = composer

    @property
    def kinds(self) -> frozenset[str]:
        """Carry mails."""
        return frozenset({"email"})

    async def send(self, parcel: Parcel) -> Outcome:
        """Write a mail; who has no address gets none here either."""
        if parcel.recipient.email is None:
            return Rejected("bad_address")
        try:
            mail, _ = await self._composer.compose(parcel)
        except (Busy, Unavailable):
            return Retry("database")
        # UUIDs of version 7 sort by time.
        name = f"{parcel.delivery_id}.eml"
        try:
            await asyncio.to_thread(self._write, name, mail.as_bytes())
        except OSError:
            return Retry("disk")
        return Sent(name)

    async def close(self) -> None:
        """Hold nothing that would have to be let go of."""

    def _write(self, name: str, mail: bytes) -> None:
        # What people write to each other is nobody else's on this machine.
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._directory / name).write_bytes(mail)
        for path in sorted(self._directory.glob("*.eml"))[:-_KEPT]:
            path.unlink(missing_ok=True)
