"""API keys of platform backends, and answers already given to their requests."""

from collections.abc import Sequence
from dataclasses import fields
from uuid import UUID

import asyncpg
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import ApiKey, ApiKeyId
from storage.tables import api_keys, idempotency_keys

_KEY = [api_keys.c[field.name] for field in fields(ApiKey)]


def _to_key(row: object) -> ApiKey:
    values = dict(row._mapping)  # type: ignore[attr-defined] # noqa: SLF001 - a row
    return ApiKey(**values | {"scopes": frozenset(values["scopes"])})


class ApiKeys:
    """Keys by the hash of their secret; the secret itself is nowhere kept."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def with_hash(self, digest: bytes) -> ApiKey | None:
        """Find a key that has not been revoked, and note that it was used."""
        rows = await self._connection.execute(
            select(*_KEY).where(
                api_keys.c.hash == digest, api_keys.c.revoked_at.is_(None)
            )
        )
        row = rows.one_or_none()
        return _to_key(row) if row else None

    async def touch(self, key: ApiKeyId) -> None:
        """Note the use of a key, to the minute, so that reads stay reads."""
        await self._connection.execute(
            update(api_keys)
            .where(
                api_keys.c.id == key,
                (api_keys.c.last_used_at.is_(None))
                | (
                    api_keys.c.last_used_at
                    < func.now() - func.make_interval(0, 0, 0, 0, 0, 1)
                ),
            )
            .values(last_used_at=func.now())
        )

    async def add(
        self,
        key: ApiKeyId,
        name: str,
        prefix: str,
        digest: bytes,
        scopes: Sequence[str],
    ) -> bool:
        """Keep a new key; False where it is kept already, and stays as it is."""
        added = await self._connection.execute(
            insert(api_keys)
            .values(
                id=key, name=name, prefix=prefix, hash=digest, scopes=sorted(scopes)
            )
            .on_conflict_do_nothing(index_elements=[api_keys.c.hash])
            .returning(api_keys.c.id)
        )
        return added.one_or_none() is not None

    async def all(self) -> list[ApiKey]:
        """List keys, the newest first, revoked ones too."""
        rows = await self._connection.execute(
            select(*_KEY).order_by(api_keys.c.created_at.desc(), api_keys.c.id)
        )
        return [_to_key(row) for row in rows]

    async def revoke(self, key: ApiKeyId) -> bool:
        """Revoke a key for good; False if there is none that was valid."""
        rows = await self._connection.execute(
            update(api_keys)
            .where(api_keys.c.id == key, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=func.now())
            .returning(api_keys.c.id)
        )
        return rows.one_or_none() is not None


class IdempotencyKeys:
    """Answers of the last 24 hours, so that a repeated request gets the same one."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def claim(
        self, api_key: ApiKeyId, key: str, request_hash: bytes
    ) -> tuple[bytes, int, bytes] | None:
        """
        Claim a key for this transaction, or give what was answered before.

        A second request with the same key waits until the first has committed. Gives
        the hash of the first request, its status and its body.
        """
        await self._connection.execute(
            delete(idempotency_keys).where(
                idempotency_keys.c.api_key_id == api_key,
                idempotency_keys.c.key == key,
                idempotency_keys.c.created_at
                < func.now() - func.make_interval(0, 0, 0, 0, 24),
            )
        )
        claimed = await self._connection.execute(
            insert(idempotency_keys)
            .values(api_key_id=api_key, key=key, request_hash=request_hash)
            .on_conflict_do_nothing()
            .returning(idempotency_keys.c.key)
        )
        if claimed.one_or_none() is not None:
            return None
        rows = await self._connection.execute(
            select(
                idempotency_keys.c.request_hash,
                idempotency_keys.c.status,
                idempotency_keys.c.response,
            ).where(
                idempotency_keys.c.api_key_id == api_key, idempotency_keys.c.key == key
            )
        )
        row = rows.one()
        return row.request_hash, row.status, row.response

    async def keep(self, api_key: UUID, key: str, status: int, response: bytes) -> None:
        """Keep what is about to be answered; commits with what the request did."""
        await self._connection.execute(
            update(idempotency_keys)
            .where(
                idempotency_keys.c.api_key_id == api_key, idempotency_keys.c.key == key
            )
            .values(status=status, response=response)
        )


async def forget_answers(connection: asyncpg.Connection, keep_seconds: float) -> int:
    """Delete answers older than this, whoever asked; gives how many."""
    status: str = await connection.execute(
        "DELETE FROM callboard.idempotency_keys"
        " WHERE created_at < now() - make_interval(secs => $1)",
        keep_seconds,
    )
    return int(status.rpartition(" ")[2])
