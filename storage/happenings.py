"""
What happened, written with the transaction in which it did.

Each happening is a row of `domain_events`, which the platform reads in order, and one
of `audit_logs`, which says who did it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.ids import uuid7
from storage.records import ApiKeyId, UserId
from storage.tables import audit_logs, domain_events


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
    facts = [
        {"type": each.kind, "subject": each.subject, "data": each.data}
        for each in happenings
    ]
    await connection.execute(insert(domain_events), facts)
    actor_kind = "user" if user else "platform" if key else "system"
    acts = [
        {
            "id": uuid7(),
            "actor_kind": actor_kind,
            "actor_id": user or key,
            "action": fact["type"],
            "subject": fact["subject"],
            "data": fact["data"],
        }
        for fact in facts
    ]
    await connection.execute(insert(audit_logs), acts)
