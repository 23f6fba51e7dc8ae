"""
How people want to be told: what they have chosen, when, and how much a day.

A choice is a row; where there is none, the catalogue says. So a default that changes
never overwrites what somebody has chosen.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import TextClause, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from storage.records import UserId
from storage.rows import is_one_of
from storage.tables import notification_preferences, notification_settings

Source = Literal["user", "platform", "unsubscribe", "one_click", "complaint"]


@dataclass(frozen=True, slots=True)
class PreferenceRow:
    """
    One choice: for a type, for a class (`class:alert`), or for a whole channel (`*`).

    `source` and `changed_at` say how and when it was made, which is the proof of
    consent.
    """

    type: str
    channel: str
    mode: str
    source: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """
    When somebody wants to be told, and how much a day.

    `timezone`, `digest_minute` and `digest_weekday` hold what is in force: chosen here,
    else what the platform says, else the server's default. The `chosen_…` are what was
    chosen here. `quiet_hours` is `{"monday": [{"from": "22:00", "to": "07:00"}]}`.
    """

    user_id: UserId
    timezone: str = "UTC"
    digest_minute: int = 8 * 60
    digest_weekday: int = 0
    quiet_hours: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    do_not_disturb_until: datetime | None = None
    daily_pushes: int | None = None
    daily_emails: int | None = None
    chosen_timezone: str | None = None
    chosen_digest_minute: int | None = None
    chosen_digest_weekday: int | None = None


_SETTINGS = (
    text("""
SELECT u.id AS user_id,
  COALESCE(s.timezone, u.timezone,
    NULLIF(current_setting('callboard.timezone', true), ''), 'UTC') AS timezone,
  COALESCE(s.digest_minute,
    CAST(NULLIF(current_setting('callboard.digest_minute', true), '') AS integer),
    480) AS digest_minute,
  COALESCE(s.digest_weekday,
    CAST(NULLIF(current_setting('callboard.digest_weekday', true), '') AS integer),
    0) AS digest_weekday,
  COALESCE(s.quiet_hours, '{}') AS quiet_hours,
  s.do_not_disturb_until, s.daily_pushes, s.daily_emails,
  s.timezone AS chosen_timezone, s.digest_minute AS chosen_digest_minute,
  s.digest_weekday AS chosen_digest_weekday
FROM callboard.users u
LEFT JOIN callboard.notification_settings s ON s.user_id = u.id
WHERE u.id = ANY(:users)
""")
    .bindparams(bindparam("users", type_=ARRAY(Uuid)))
    .columns(quiet_hours=JSONB)
)

# Who else is just making a row cannot be seen, and would be waited for by the index: an
# advisory lock tells, and then that row is not ours.
_MAKE = """
WITH missing AS MATERIALIZED (
  SELECT u.id, hashtextextended('settings ' || u.id, 0) AS key FROM callboard.users u
  WHERE u.id = ANY(:users) AND NOT EXISTS (
    SELECT FROM callboard.notification_settings s WHERE s.user_id = u.id)
  ORDER BY u.id
)
INSERT INTO callboard.notification_settings (user_id, updated_at)
SELECT id, :now FROM missing {lock} ON CONFLICT (user_id) DO NOTHING
"""
_TAKE = """
SELECT s.user_id FROM callboard.notification_settings s
WHERE s.user_id = ANY(:users) ORDER BY s.user_id FOR UPDATE {lock}
"""


def _of_users(statement: str, lock: str) -> TextClause:
    return text(statement.format(lock=lock)).bindparams(
        bindparam("users", type_=ARRAY(Uuid))
    )


_MAKE_ALL = _of_users(_MAKE, "CROSS JOIN LATERAL pg_advisory_xact_lock(key)")
_TAKE_ALL = _of_users(_TAKE, "")
_MAKE_FREE = _of_users(_MAKE, "WHERE pg_try_advisory_xact_lock(key)")
_TAKE_FREE = _of_users(_TAKE, "SKIP LOCKED")


class Preferences:
    """The choices that this transaction may see and change."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(
        self, users: Collection[UserId]
    ) -> Mapping[UserId, Sequence[PreferenceRow]]:
        """Give what these users have chosen; everybody named is a key."""
        table = notification_preferences.c
        found: dict[UserId, list[PreferenceRow]] = {user: [] for user in users}
        rows = await self._connection.execute(
            select(
                table.user_id,
                table.type,
                table.channel,
                table.mode,
                table.source,
                table.changed_at,
            )
            .where(is_one_of(table.user_id, users))
            .order_by(table.type, table.channel)
        )
        for user, *values in rows:
            found[user].append(PreferenceRow(*values))
        return found

    async def settings_of(
        self, users: Collection[UserId]
    ) -> Mapping[UserId, NotificationSettings]:
        """Give the settings of those of these users that there are."""
        rows = await self._connection.execute(_SETTINGS, {"users": list(users)})
        return {
            row.user_id: NotificationSettings(**row._mapping)  # noqa: SLF001 - a named tuple's
            for row in rows
        }

    async def lock(
        self, users: Collection[UserId], now: datetime, *, skip_locked: bool = False
    ) -> set[UserId]:
        """
        Decide for these users alone until the end of the transaction.

        Gives whom this transaction has now: those that there are, without the ones
        about whom somebody else is deciding where `skip_locked`.
        """
        make, take = (_MAKE_FREE, _TAKE_FREE) if skip_locked else (_MAKE_ALL, _TAKE_ALL)
        named = {"users": list(users)}
        taken = set((await self._connection.execute(take, named)).scalars())
        if len(taken) < len(named["users"]):
            # Who has chosen nothing so far has no row to lock.
            await self._connection.execute(make, named | {"now": now})
            taken = set((await self._connection.execute(take, named)).scalars())
        return taken

    async def choose(self, user: UserId, chosen: Iterable[PreferenceRow]) -> None:
        """Keep choices, in place of what was chosen for the same before."""
        rows = [
            {
                "user_id": user,
                "type": each.type,
                "channel": each.channel,
                "mode": each.mode,
                "source": each.source,
                "changed_at": each.changed_at,
            }
            for each in chosen
        ]
        if not rows:
            return
        statement = insert(notification_preferences)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["user_id", "type", "channel"],
                set_={
                    name: statement.excluded[name]
                    for name in ("mode", "source", "changed_at")
                },
            ),
            sorted(rows, key=lambda row: (str(row["type"]), str(row["channel"]))),
        )

    async def take_back(self, user: UserId, named: Iterable[tuple[str, str]]) -> None:
        """Forget choices, by type and channel: the catalogue says again."""
        table = notification_preferences.c
        for type_, channel in sorted(named):
            await self._connection.execute(
                delete(notification_preferences).where(
                    table.user_id == user,
                    table.type == type_,
                    table.channel == channel,
                )
            )

    async def set(self, user: UserId, values: Mapping[str, Any], now: datetime) -> None:
        """Keep settings, by column; what is not named stays as it is."""
        given = dict(values) | {"updated_at": now}
        await self._connection.execute(
            insert(notification_settings)
            .values(user_id=user, **given)
            .on_conflict_do_update(index_elements=["user_id"], set_=given)
        )
