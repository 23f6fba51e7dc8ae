"""
Where messages wait until they are acknowledged, so that they outlive the process.
"""

import asyncio
import json
import sqlite3
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Protocol

from callboard_client.errors import TooManyPending
from callboard_client.shapes import Json

__all__ = ["OutboxStorage", "SqliteOutbox", "Stored"]

TABLE = """
CREATE TABLE IF NOT EXISTS waiting (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (user_id, client_id)
)
"""


class Stored(NamedTuple):
    """
    A message that waits: the data of its `message.send`, and who it is known by.
    """

    client_id: str
    data: Json


class OutboxStorage(Protocol):
    """
    Keeps what waits, one person's apart from another's.

    `put` may be told something twice and keeps the first; it returns when that is
    safe from a crash.
    """

    async def load(self, user_id: str) -> list[Stored]:
        """
        Give what waits for a person, oldest first.
        """
        ...

    async def put(self, user_id: str, stored: Stored) -> None:
        """
        Keep a message.

        Raises:
            TooManyPending: It has as many already as it may have.
        """
        ...

    async def remove(self, user_id: str, client_id: str) -> None:
        """
        Forget a message; one that is not there does no harm.
        """
        ...


class SqliteOutbox:
    """
    An outbox in a file of SQLite, which only its owner can read.

    `most` bounds what waits for one person. Messages that were removed are overwritten.
    One process at a time should send for a person: two would both send what waits,
    which stands in history once all the same.
    """

    def __init__(self, path: Path | str, *, most: int = 1000) -> None:
        path = Path(path)
        path.touch(mode=0o600)
        # Also where it was there before.
        path.chmod(0o600)
        self._most = most
        self._lock = Lock()
        # Commits by itself; in other threads, but in one at a time.
        self._file = sqlite3.connect(
            path, check_same_thread=False, isolation_level=None
        )
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.execute("PRAGMA secure_delete = ON")
        self._file.execute(TABLE)

    def close(self) -> None:
        """
        Let go of the file.
        """
        with self._lock:
            self._file.close()

    async def load(self, user_id: str) -> list[Stored]:
        """
        Give what waits for a person, oldest first.
        """
        rows = await asyncio.to_thread(
            self._run,
            "SELECT client_id, data FROM waiting WHERE user_id = ? ORDER BY place",
            user_id,
        )
        return [Stored(client_id, json.loads(data)) for client_id, data in rows]

    async def put(self, user_id: str, stored: Stored) -> None:
        """
        Keep a message; it is on the disk when this returns.

        Raises:
            TooManyPending: As many wait already as may.
        """
        await asyncio.to_thread(self._put, user_id, stored)

    async def remove(self, user_id: str, client_id: str) -> None:
        """
        Forget a message; one that is not there does no harm.
        """
        await asyncio.to_thread(
            self._run,
            "DELETE FROM waiting WHERE user_id = ? AND client_id = ?",
            user_id,
            client_id,
        )

    def _put(self, user_id: str, stored: Stored) -> None:
        ((waiting,),) = self._run(
            "SELECT count(*) FROM waiting WHERE user_id = ?", user_id
        )
        if int(waiting) >= self._most:
            raise TooManyPending(f"{self._most} messages are waiting")
        self._run(
            "INSERT OR IGNORE INTO waiting (user_id, client_id, data) VALUES (?, ?, ?)",
            user_id,
            stored.client_id,
            json.dumps(stored.data),
        )

    def _run(self, statement: str, *values: str) -> list[tuple[str, ...]]:
        with self._lock:
            return self._file.execute(statement, values).fetchall()
