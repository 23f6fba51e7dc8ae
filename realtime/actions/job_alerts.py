"""Saved searches of one's own: keeping, changing, forgetting."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from realtime.actor import Actor
from realtime.errors import Conflict, NotFound
from realtime.notifications.finding import searched
from realtime.notifications.job_alerts import due_at
from storage.ids import uuid7
from storage.job_alerts import JobAlert
from storage.unit_of_work import UnitOfWork

# More than anybody reads.
MOST_ALERTS = 50


async def make_job_alert(
    work: UnitOfWork,
    actor: Actor,
    *,
    name: str | None,
    criteria: Mapping[str, Any],
    frequency: str,
    status: str,
    now: datetime,
) -> JobAlert:
    """
    Keep a search of the actor's; what is published from now on is looked at.

    Raises:
        Conflict: They have as many as one may have.
    """
    await work.job_alerts.take_turn(actor.user_id)
    if len(await work.job_alerts.of(actor.user_id, limit=MOST_ALERTS)) == MOST_ALERTS:
        raise Conflict(f"There are {MOST_ALERTS} job alerts, as many as one may have.")
    alert = JobAlert(
        id=uuid7(),
        user_id=actor.user_id,
        name=name,
        criteria=_with_search(criteria),
        frequency=frequency,
        status=status,
        last_sent_at=None,
        created_at=now,
        updated_at=now,
    )
    await work.job_alerts.insert(alert)
    return alert


async def change_job_alert(
    work: UnitOfWork,
    actor: Actor,
    alert: UUID,
    changes: Mapping[str, Any],
    now: datetime,
) -> JobAlert:
    """
    Change a search of the actor's; what it has found and not told follows.

    Raises:
        NotFound: They have none of this id.
    """
    before = await work.job_alerts.lock(actor.user_id, alert)
    if before is None:
        raise NotFound
    values = dict(changes)
    if "criteria" in values:
        values["criteria"] = _with_search(values["criteria"])
    after = await work.job_alerts.change(alert, values | {"updated_at": now})
    if after.frequency != before.frequency:
        async with work.as_the_server():
            settings = await work.preferences.settings_of([actor.user_id])
            moment = due_at(after.frequency, settings[actor.user_id], now)
            await work.job_alerts.reschedule(alert, moment)
    return after


async def forget_job_alert(work: UnitOfWork, actor: Actor, alert: UUID) -> None:
    """
    Forget a search of the actor's, with all that it has found.

    Raises:
        NotFound: They have none of this id.
    """
    if not await work.job_alerts.delete(actor.user_id, alert):
        raise NotFound


def _with_search(criteria: Mapping[str, Any]) -> dict[str, Any]:
    """Keep with what is looked for also how it is compared."""
    return {**criteria, "search": searched(criteria)}
