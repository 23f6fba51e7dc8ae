"""Reminders before something begins or is due, with a clock that tests move."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from realtime.actions.preferences import change_settings
from realtime.node import Node
from realtime.notifications.catalogue import load_catalogue
from realtime.notifications.events import EventLine
from realtime.notifications.reminders import (
    CONSUMER,
    ReminderLine,
    ReminderPlans,
    brought_forward,
)
from storage.preferences import NotificationSettings
from storage.records import UserId
from tests.api.calling import KEY
from tests.factories import Person, make_people

CATALOGUE = load_catalogue()
# A Wednesday.
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVERY_NIGHT = {
    day: [{"from": "22:00", "to": "08:00"}]
    for day in (
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    )
}


class Diary:
    """An application with interviews and offers, and a worker whose clock is moved."""

    def __init__(self, node: Node, http: httpx.AsyncClient) -> None:
        self.now = NOON
        self.gig, self.application = str(uuid4()), str(uuid4())
        self.subject_id = str(uuid4())
        self._node = node
        self._http = http
        self._events = EventLine(
            CONSUMER, node.transaction, ReminderPlans(CATALOGUE), lambda: self.now
        )
        self._line = ReminderLine(node.transaction, CATALOGUE, lambda: self.now)
        self.owner: Person
        self.ada: Person

    async def open(self) -> None:
        """Have Ada apply to what Olga offers."""
        self.owner, self.ada = await make_people(self._node, "Olga", "Ada")
        await self.put_gig("published")
        await self.apply("interviewing")
        await self._events()

    async def put_gig(self, status: str) -> None:
        """Change the gig's status."""
        await self._put(
            f"gigs/{self.gig}",
            kind="gig",
            owner_id=str(self.owner.id),
            title="Stunts",
            status=status,
        )

    async def apply(self, status: str) -> None:
        """Change the application's status."""
        await self._put(
            f"gigs/{self.gig}/applications/{self.application}",
            applicant_id=str(self.ada.id),
            status=status,
        )

    async def _put(self, path: str, **body: object) -> None:
        answer = await self._http.put(f"/v1/platform/{path}", json=body, headers=KEY)
        assert answer.is_success, answer.text

    async def happen(self, kind: str, **data: object) -> None:
        """Have the platform say what happened."""
        async with self._node.transaction() as work:
            noun = kind.partition(".")[0]
            subject = {
                f"{noun}_id": self.subject_id,
                "application_id": self.application,
                "gig_id": self.gig,
                "actor_id": str(self.owner.id),
            }
            work.happen(kind, subject, data)
        await self._events()

    async def follow(self) -> None:
        """Take notice of what happened."""
        await self._events()

    async def pass_time(self, **time: float) -> list[tuple[str, str]]:
        """Move the clock and tell what is due; gives all that was told, in order."""
        self.now += timedelta(**time)
        while await self._line():
            pass
        async with self._node.transaction() as work:
            rows = await work.inbox.of(self.ada.id, self.now, limit=50)
        return [(row.type, row.title) for row in reversed(rows)]

    async def reminders(self) -> list[tuple[datetime, str, str | None]]:
        """Give all reminders: when, and what became of them."""
        async with self._node.transaction() as work:
            rows = await work.connection.execute(
                text(
                    "SELECT due_at, status, reason FROM callboard.reminders"
                    " ORDER BY deadline_at, due_at"
                )
            )
            return [(row.due_at, row.status, row.reason) for row in rows]


@pytest.fixture
async def diary(node: Node, http: httpx.AsyncClient) -> Diary:
    """A diary with nothing in it yet."""
    diary = Diary(node, http)
    await diary.open()
    return diary


def at(moment: datetime) -> str:
    return moment.isoformat()


SOON = ("interview_reminder", "Soon: your interview for Stunts")


async def test_an_interview_is_reminded_of_a_day_and_an_hour_before(
    diary: Diary,
) -> None:
    starts_at = NOON + 30 * HOUR
    await diary.happen("interview.scheduled", starts_at=at(starts_at))
    # The same again, as platforms may say it, is the same.
    await diary.happen("interview.scheduled", starts_at=at(starts_at))
    assert await diary.pass_time(hours=5, minutes=59) == []
    assert await diary.pass_time(minutes=1) == [SOON]
    assert await diary.pass_time(hours=22) == [SOON]
    await diary.happen("interview.scheduled", starts_at=at(starts_at))
    assert await diary.pass_time(hours=1) == [SOON, SOON]
    # What begins is nothing to be reminded of any more.
    assert await diary.pass_time(hours=1) == []
    assert [status for _, status, _ in await diary.reminders()] == ["sent", "sent"]


async def test_what_is_moved_is_reminded_of_anew(diary: Diary) -> None:
    await diary.happen("interview.scheduled", starts_at=at(NOON + 30 * HOUR))
    assert await diary.pass_time(hours=6) == [SOON]
    await diary.happen("interview.rescheduled", starts_at=at(NOON + 60 * HOUR))
    assert [due for due, *_ in await diary.reminders()] == [
        NOON + 36 * HOUR,
        NOON + 59 * HOUR,
    ]
    assert await diary.pass_time(hours=29, minutes=59) == []
    assert await diary.pass_time(minutes=1) == [SOON]
    # To a moment that is so near that they have just been told of it anyway.
    await diary.happen("interview.rescheduled", starts_at=at(diary.now + 0.5 * HOUR))
    assert [reason for *_, reason in await diary.reminders()] == ["too_late"] * 2


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("withdrawn", "application_withdrawn"),
        ("rejected", "application_rejected"),
        ("gig", "gig_cancelled"),
        ("interview.cancelled", "interview.cancelled"),
        ("no date", "no_deadline"),
    ],
)
@pytest.mark.parametrize("is_followed", [True, False])
async def test_what_will_not_take_place_is_not_reminded_of(
    diary: Diary, end: str, reason: str, *, is_followed: bool
) -> None:
    await diary.happen("interview.scheduled", starts_at=at(NOON + 30 * HOUR))
    if end == "gig":
        await diary.put_gig("cancelled")
    elif end == "no date":
        await diary.happen("interview.rescheduled", starts_at=None)
    elif "." in end:
        await diary.happen(end)
    else:
        await diary.apply(end)
    if is_followed:
        await diary.follow()
        assert {one[1:] for one in await diary.reminders()} == {("cancelled", reason)}
    # It is looked at once more when it is due.
    assert await diary.pass_time(hours=6) == []
    assert await diary.pass_time(hours=23) == []
    assert {one[1:] for one in await diary.reminders()} == {("cancelled", reason)}


@pytest.mark.parametrize("answer", ["accepted", "declined", "withdrawn"])
async def test_an_answered_offer_is_not_reminded_of(diary: Diary, answer: str) -> None:
    await diary.happen("offer.made", answer_by=at(NOON + 72 * HOUR))
    told = [("offer_reminder", "Your answer is awaited: Stunts")]
    assert await diary.pass_time(hours=24) == told
    await diary.happen(f"offer.{answer}")
    assert await diary.pass_time(hours=47) == told
    assert [one[1:] for one in await diary.reminders()] == [
        ("sent", None),
        ("cancelled", f"offer.{answer}"),
    ]


async def test_a_worker_that_was_away_reminds_once_and_never_too_late(
    diary: Diary,
) -> None:
    await diary.happen("interview.scheduled", starts_at=at(NOON + 30 * HOUR))
    assert await diary.pass_time(hours=29, minutes=30) == [SOON]
    assert {one[1:] for one in await diary.reminders()} == {
        ("cancelled", "superseded"),
        ("sent", None),
    }
    diary.subject_id = str(uuid4())
    start = diary.now
    await diary.happen("interview.scheduled", starts_at=at(start + 30 * HOUR))
    await diary.pass_time(hours=30)
    assert [one[1:] for one in await diary.reminders()][2:] == [
        ("cancelled", "too_late")
    ] * 2


async def test_nobody_is_reminded_across_a_block_or_when_suspended(
    diary: Diary, http: httpx.AsyncClient
) -> None:
    await diary.happen("interview.scheduled", starts_at=at(NOON + 30 * HOUR))
    await http.put(f"/v1/blocks/{diary.owner.id}", headers=diary.ada.headers)
    assert await diary.pass_time(hours=7) == []
    assert ("cancelled", "not_told") in {one[1:] for one in await diary.reminders()}


async def test_an_interview_in_the_morning_is_reminded_of_before_the_night(
    diary: Diary, http: httpx.AsyncClient
) -> None:
    answer = await http.put(
        "/v1/quiet-hours",
        json={"quiet_hours": EVERY_NIGHT, "timezone": "Europe/Berlin"},
        headers=diary.ada.headers,
    )
    assert answer.status_code == 200, answer.text
    # At half past eight in Berlin: an hour before is in the quiet of the night.
    starts_at = datetime(2026, 6, 12, 6, 30, tzinfo=UTC)
    await diary.happen("interview.scheduled", starts_at=at(starts_at))
    assert [due for due, *_ in await diary.reminders()] == [
        # Ten minutes before ten in the evening.
        datetime(2026, 6, 11, 6, 30, tzinfo=UTC),
        datetime(2026, 6, 11, 19, 50, tzinfo=UTC),
    ]


async def test_who_changes_their_quiet_hours_has_reminders_move_with_them(
    diary: Diary, node: Node, http: httpx.AsyncClient
) -> None:
    node.clock = lambda: diary.now
    # At half past eight in Berlin, tomorrow.
    starts_at = datetime(2026, 6, 11, 6, 30, tzinfo=UTC)
    await diary.happen("interview.scheduled", starts_at=at(starts_at))
    as_planned = starts_at - HOUR

    async def last_after(**settings: object) -> datetime:
        async with node.transaction(diary.ada.id) as work:
            await change_settings(work, diary.ada.id, settings, diary.now)
        return (await diary.reminders())[-1][0]

    night = datetime(2026, 6, 10, 19, 50, tzinfo=UTC)
    assert await last_after(quiet_hours=EVERY_NIGHT, timezone="Europe/Berlin") == night
    assert await last_after(timezone="Europe/Lisbon") == night + HOUR
    # An hour before it is day there.
    assert await last_after(timezone="Asia/Tokyo") == as_planned
    assert await last_after(timezone="Europe/Berlin") == night
    assert await last_after(quiet_hours={}) == as_planned
    # It is night already: at its end there is still half an hour.
    diary.now = night + 2 * HOUR
    assert await last_after(quiet_hours=EVERY_NIGHT) == as_planned + HOUR / 2
    assert await last_after(quiet_hours={}) == as_planned


@pytest.mark.parametrize(
    ("due_at", "now", "expected"),
    [
        ("2026-06-11T12:00", "2026-06-10T12:00", "2026-06-11T12:00"),
        ("2026-06-11T22:00", "2026-06-10T12:00", "2026-06-11T21:50"),
        ("2026-06-11T07:59", "2026-06-10T12:00", "2026-06-10T21:50"),
        ("2026-06-11T08:00", "2026-06-10T12:00", "2026-06-11T08:00"),
        # In the night already: better in it than too late.
        ("2026-06-11T07:00", "2026-06-10T23:00", "2026-06-11T07:00"),
        ("2026-06-11T07:00", "2026-06-10T21:55", "2026-06-11T07:00"),
    ],
)
def test_quiet_hours_are_gone_before(due_at: str, now: str, expected: str) -> None:
    def utc(value: str) -> datetime:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)

    settings = NotificationSettings(UserId(UUID(int=1)), quiet_hours=EVERY_NIGHT)
    due = utc(due_at)
    assert brought_forward(settings, due, due + HOUR, utc(now)) == utc(expected)


def test_do_not_disturb_puts_off_what_has_time_and_no_more() -> None:
    settings = NotificationSettings(
        UserId(UUID(int=1)), do_not_disturb_until=NOON + 3 * HOUR
    )
    due = NOON + HOUR
    for notice, expected in ((24, NOON + 3 * HOUR), (4, NOON + 3 * HOUR), (1, due)):
        told = brought_forward(settings, due, due + notice * HOUR, NOON)
        assert told == expected


def test_who_is_always_quiet_is_reminded_in_time() -> None:
    always: dict[str, Any] = {
        day: [{"from": "00:00", "to": "00:00"}] for day in EVERY_NIGHT
    }
    settings = NotificationSettings(UserId(UUID(int=1)), quiet_hours=always)
    due = NOON + HOUR
    assert brought_forward(settings, due, due + HOUR, NOON) == due
