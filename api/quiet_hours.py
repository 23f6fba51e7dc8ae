"""When one wants to be told, and how much a day."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field, StringConstraints

from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import QUIET_HOURS, shown
from api.shapes import Body, Moment, Timezone
from realtime.actions.preferences import change_settings, get_settings
from realtime.clock import Clock
from realtime.errors import (
    Invalid,
    NotFound,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.notifications.schedule import minute_of, quiet_until, time_of
from realtime.protocol import Instant, Wire
from realtime.settings import TIME_OF_DAY, WEEKDAYS, Weekday
from storage.preferences import NotificationSettings

router = APIRouter(
    prefix="/v1/quiet-hours",
    tags=["notifications"],
    responses=refusals(Unauthenticated, Suspended, NotFound, Unavailable),
)

# Of one day; more is no pattern that anybody remembers.
_WINDOWS = 10
# More a day than anybody reads.
_BUDGET = 10_000

TimeOfDay = Annotated[str, StringConstraints(pattern=f"^{TIME_OF_DAY}$")]
Budget = Annotated[int, Field(ge=0, le=_BUDGET)]


class Window(Wire):
    """From when to when; over midnight where `to` is not later, into the next day."""

    from_: str = Field(serialization_alias="from", validation_alias="from")
    to: str


class InForce(Wire):
    """What holds where one has chosen nothing: the platform's, or the server's."""

    timezone: str
    digest_at: str
    digest_weekday: Weekday


class QuietHours(Wire):
    """When one wants to be told, and how much a day."""

    quiet_hours: Mapping[Weekday, Sequence[Window]] = Field(
        description="In one's own zone; days without any are left out."
    )
    do_not_disturb_until: Instant | None
    timezone: str | None = Field(description="What one has chosen, if anything.")
    digest_at: str | None = Field(description="Likewise.")
    digest_weekday: Weekday | None = Field(description="Likewise, of weekly digests.")
    daily_pushes: int | None = Field(
        description="So many pushes a day; what is over waits for the next digest."
    )
    daily_emails: int | None = Field(description="Likewise, of mails.")
    in_force: InForce
    quiet_until: Instant | None = Field(
        description="Until when it is quiet, if it is just now."
    )


class WindowToKeep(Body):
    """From when to when it is to be quiet."""

    from_: TimeOfDay = Field(alias="from")
    to: TimeOfDay


Windows = Annotated[list[WindowToKeep], Field(max_length=_WINDOWS)]


class QuietHoursChanges(Body):
    """What one chooses anew; what is left out stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "quiet_hours": {
                        "monday": [{"from": "22:00", "to": "07:00"}],
                        "sunday": [{"from": "00:00", "to": "00:00"}],
                    },
                    "timezone": "Europe/Berlin",
                    "digest_at": "18:30",
                    "daily_emails": 5,
                }
            ]
        }
    )

    quiet_hours: dict[Weekday, Windows] | None = None
    do_not_disturb_until: Moment | None = None
    timezone: Timezone | None = None
    digest_at: TimeOfDay | None = None
    digest_weekday: Weekday | None = None
    daily_pushes: Budget | None = None
    daily_emails: Budget | None = None

    def columns(self) -> dict[str, object]:
        """Give what is given as it is kept."""
        given: dict[str, object] = {
            name: getattr(self, name) for name in self.model_fields_set
        }
        if "quiet_hours" in given:
            given["quiet_hours"] = {
                day: [{"from": each.from_, "to": each.to} for each in windows]
                for day, windows in (self.quiet_hours or {}).items()
                if windows
            }
        if "digest_at" in given:
            del given["digest_at"]
            given["digest_minute"] = self.digest_at and minute_of(self.digest_at)
        if self.digest_weekday is not None:
            given["digest_weekday"] = WEEKDAYS.index(self.digest_weekday)
        return given


@router.get("", response_model=QuietHours, responses=shown(QUIET_HOURS))
async def get_quiet_hours(node: ANode, actor: AnActor) -> QuietHours:
    """
    Give when one wants to be told, and how much a day.
    """
    async with node.transaction(actor.user_id) as work:
        return _shown(await get_settings(work, actor.user_id), node.clock)


@router.put(
    "",
    response_model=QuietHours,
    responses=shown(QUIET_HOURS) | refusals(Invalid),
)
async def put_quiet_hours(
    node: ANode, actor: AnActor, changes: QuietHoursChanges
) -> QuietHours:
    """
    Choose when one wants to be told, and how much a day; only what is given changes.

    `quiet_hours` takes the place of the whole week. A window that ends when it begins
    is a whole day. `null` takes a choice back. In quiet hours, and until
    `do_not_disturb_until`, pushes and mails wait; in the app everything is there.
    """
    async with node.transaction(actor.user_id) as work:
        settings = await change_settings(
            work, actor.user_id, changes.columns(), node.clock()
        )
    return _shown(settings, node.clock)


def _shown(settings: NotificationSettings, clock: Clock) -> QuietHours:
    minute, weekday = settings.chosen_digest_minute, settings.chosen_digest_weekday
    return QuietHours.model_validate(
        {
            "quiet_hours": settings.quiet_hours,
            "do_not_disturb_until": settings.do_not_disturb_until,
            "timezone": settings.chosen_timezone,
            "digest_at": None if minute is None else time_of(minute),
            "digest_weekday": None if weekday is None else WEEKDAYS[weekday],
            "daily_pushes": settings.daily_pushes,
            "daily_emails": settings.daily_emails,
            "in_force": InForce(
                timezone=settings.timezone,
                digest_at=time_of(settings.digest_minute),
                digest_weekday=WEEKDAYS[settings.digest_weekday],
            ),
            "quiet_until": quiet_until(settings, clock()),
        }
    )
