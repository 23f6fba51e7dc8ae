"""
What happened, written with the transaction in which it did.

Each happening is a row of `domain_events`, which the platform reads in order, and one
of `audit_logs`, which says who did it. One statement writes all of a transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text, Uuid

from storage.ids import uuid7
from storage.records import ApiKeyId, UserId

_KEEP = text("""
WITH facts AS (
  SELECT * FROM unnest(:ids, :types, :subjects, :data) WITH ORDINALITY
    AS f(id, type, subject, data, place)
), events AS (
  INSERT INTO callboard.domain_events (type, subject, data)
  SELECT type, subject::jsonb, data::jsonb FROM facts ORDER BY place
)
INSERT INTO callboard.audit_logs (id, actor_kind, actor_id, action, subject, data)
SELECT id, :actor_kind, :actor_id, type, subject::jsonb, data::jsonb FROM facts
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("types", type_=ARRAY(Text)),
    bindparam("subjects", type_=ARRAY(Text)),
    bindparam("data", type_=ARRAY(Text)),
    bindparam("actor_kind", type_=Text),
    bindparam("actor_id", type_=Uuid),
)


@dataclass(frozen=True, slots=True)
class Happening:
    """One fact: its type, whom and what it concerns, and more about it."""

    kind: str
    subject: Mapping[str, str]
    data: Mapping[str, Any]


async def keep(
    connection: AsyncConnection,
    happenings: Sequence[Happening],
    *,
    user: UserId | None,
    key: ApiKeyId | None,
) -> None:
    """Write happenings, done by a user, by a platform's key, or by the server."""
    await connection.execute(
        _KEEP,
        {
            "ids": [uuid7() for _ in happenings],
            "types": [each.kind for each in happenings],
            "subjects": [orjson.dumps(each.subject).decode() for each in happenings],
            "data": [orjson.dumps(each.data).decode() for each in happenings],
            "actor_kind": "user" if user else "platform" if key else "system",
            "actor_id": user or key,
        },
    )


async def forget(
    connection: asyncpg.Connection, audit_days: int, events_days: int
) -> int:
    """Delete what is older than so many days, some at a time; gives how many."""
    count: int = await connection.fetchval(
        "SELECT callboard.forget_logs($1, $2)", audit_days, events_days
    )
    return count
