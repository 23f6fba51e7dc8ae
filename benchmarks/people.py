"""Who talks in the benchmarks: connected people, two and two."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import jwt

from benchmarks.stage import SECRET
from storage.ids import uuid7

_PEOPLE = """
INSERT INTO callboard.users (id, display_name)
SELECT id, 'Somebody' FROM unnest($1::uuid[]) AS id
"""
_CONNECTIONS = """
INSERT INTO callboard.connections (id, requester_id, recipient_id, status)
SELECT id, low, high, 'accepted'
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS pair(id, low, high)
"""
_CONVERSATIONS = """
INSERT INTO callboard.conversations (id, kind, direct_low_id, direct_high_id)
SELECT id, 'direct', low, high
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS pair(id, low, high)
"""
_PARTICIPANTS = """
INSERT INTO callboard.participants (conversation_id, user_id)
SELECT * FROM unnest($1::uuid[] || $1::uuid[], $2::uuid[] || $3::uuid[])
"""


@dataclass(frozen=True)
class Pair:
    """Two connected people with a conversation, and their tokens."""

    conversation: UUID
    sender_token: str
    reader_token: str


async def make_pairs(database_url: str, count: int) -> Sequence[Pair]:
    """Make connected people with their conversations."""
    # Ids grow with time, so of each two the first made is the lower one.
    people = sorted(uuid7() for _ in range(2 * count))
    low, high = people[::2], people[1::2]
    conversations = [uuid7() for _ in range(count)]
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(_PEOPLE, people)
            for statement in (_CONNECTIONS, _CONVERSATIONS, _PARTICIPANTS):
                await connection.execute(statement, conversations, low, high)
        # What autovacuum would do within a minute, in the middle of a measurement.
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return [
        Pair(conversation, _token(one), _token(other))
        for conversation, one, other in zip(conversations, low, high, strict=True)
    ]


def _token(user: UUID) -> str:
    expires = datetime.now(UTC) + timedelta(hours=1)
    return jwt.encode({"sub": str(user), "exp": expires}, SECRET, algorithm="HS256")
