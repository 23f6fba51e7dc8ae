"""What saved searches find, and when it is told, with a clock that tests move."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from realtime.node import Node
from realtime.notifications.catalogue import load_catalogue
from realtime.notifications.events import EventLine
from realtime.notifications.finding import words
from realtime.notifications.job_alerts import CONSUMER, JobAlertLine, find
from realtime.notifications.notifier import Parcel
from realtime.notifications.releasing import Releaser
from tests.api.calling import KEY
from tests.factories import Person, make_people

CATALOGUE = load_catalogue()
# A Wednesday; digests are told at eight.
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


class Market:
    """Gigs and alerts, and a worker whose clock is moved."""

    def __init__(self, node: Node, http: httpx.AsyncClient, owner: Person) -> None:
        self.now = NOON
        self._node = node
        self._http = http
        self._owner = owner
        self._events = EventLine(CONSUMER, node.transaction, find, lambda: self.now)
        self._line = JobAlertLine(node.transaction, CATALOGUE, lambda: self.now)

    async def open(self) -> None:
        """Follow what happens from now on."""
        await self._events()

    async def put(self, gig: str | None = None, **fields: object) -> str:
        """Publish or change a gig, and have it found."""
        gig = gig or str(uuid4())
        body = {
            "kind": "gig",
            "owner_id": str(self._owner.id),
            "title": "Dancers for a video",
            "status": "published",
            **fields,
        }
        answer = await self._http.put(
            f"/v1/platform/gigs/{gig}", json=body, headers=KEY
        )
        assert answer.status_code == 200, answer.text
        await self._events()
        return gig

    async def organization(self, name: str, *members: Person) -> str:
        """Make a company."""
        company = str(uuid4())
        people = [{"user_id": str(one.id), "role": "recruiter"} for one in members]
        answer = await self._http.put(
            f"/v1/platform/organizations/{company}",
            json={"name": name, "members": people},
            headers=KEY,
        )
        assert answer.status_code == 200, answer.text
        return company

    async def alert(
        self, person: Person, frequency: str = "instant", **criteria: object
    ) -> str:
        """Keep a search."""
        answer = await self._http.post(
            "/v1/job-alerts",
            json={"criteria": criteria, "frequency": frequency, "name": "Mine"},
            headers=person.headers,
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def change(self, person: Person, alert: str, **changes: object) -> None:
        """Change a search."""
        answer = await self._http.patch(
            f"/v1/job-alerts/{alert}", json=changes, headers=person.headers
        )
        assert answer.status_code == 200, answer.text

    async def told(self, person: Person) -> list[dict[str, Any]]:
        """Tell what is due, and give all that somebody has been told, oldest first."""
        while await self._line():
            pass
        async with self._node.transaction() as work:
            rows = await work.inbox.of(person.id, self.now, limit=100)
        return [
            {"message": row.message, "title": row.title, **row.data}
            for row in reversed(rows)
            if row.type == "job_alert"
        ]

    async def counts(self, person: Person) -> list[int]:
        """Give how many gigs each notification told of."""
        return [each["count"] for each in await self.told(person)]

    async def matches(self) -> list[tuple[str, str | None]]:
        """Give what became of everything that was found."""
        async with self._node.transaction() as work:
            rows = await work.connection.execute(
                text(
                    "SELECT status, reason FROM callboard.job_alert_matches"
                    " ORDER BY matched_at, reason"
                )
            )
            return [(row.status, row.reason) for row in rows]


@pytest.fixture
async def people(node: Node) -> list[Person]:
    """Somebody who offers, and two who look."""
    return await make_people(node, "Olga", "Ada", "Grace")


@pytest.fixture
async def market(node: Node, http: httpx.AsyncClient, people: list[Person]) -> Market:
    """An empty market."""
    market = Market(node, http, people[0])
    await market.open()
    return market


@pytest.mark.parametrize(
    ("text", "keyword", "is_found"),
    [
        ("Dancers for a Video", "dancers", True),
        ("Dancers for a Video", "DANCERS", True),
        ("Dancers for a Video", "dance", False),
        ("Tänzerin gesucht", "tanzerin", True),
        ("TANZERIN gesucht", "Tänzerin", True),
        ("Straße", "STRASSE", True),
        ("a music-video, now", "music video", True),
        ("video of music", "music video", False),
        ("C++ and C#", "c++", True),
        ("C++ and C#", "c", False),
        ("Node.js", "node js", True),
        ("東京のダンサー", "ダンサー", True),
        ("Ελλάδα", "ελλαδα", True),
        ("مُدرِّس", "مدرس", True),
        ("हिन्दी", "हिन्दी", True),
        ("हिन्दी", "हिनद", False),
        ("", "x", False),
    ],
)
def test_words_are_found_whole(text: str, keyword: str, *, is_found: bool) -> None:
    assert (words(keyword) in words(text)) == is_found


async def test_an_alert_finds_what_it_looks_for_and_nothing_else(
    market: Market, people: list[Person]
) -> None:
    _, ada, grace = people
    company = await market.organization("Harbour")
    looking: dict[str, dict[str, Any]] = {
        "everything": {},
        "jobs": {"kinds": ["job", "project"]},
        "any word": {"keywords": ["stunts", "vidéo"]},
        "all words": {"keywords": ["dancers", "ballet"], "match": "all"},
        "a word of its skills": {"keywords": ["hip hop"]},
        "a place": {"location": "Portugal, Lisbon"},
        "another place": {"location": "Porto"},
        "a company": {"organization_ids": [company, str(uuid4())]},
        "another company": {"organization_ids": [str(uuid4())]},
        "what is filled": {"statuses": ["filled"]},
    }
    names = {}
    for name, criteria in looking.items():
        names[await market.alert(ada, **criteria)] = name

    async def found(**fields: Any) -> set[str]:  # noqa: ANN401 - of a gig
        seen = len(await market.told(ada))
        await market.put(**fields)
        told = await market.told(ada)
        return {names[each["job_alert_id"]] for each in told[seen:]}

    assert await found() == {"everything", "any word"}
    assert await found(status="draft", title="Not yet") == set()
    data = {"skills": ["Ballet", "Hip-Hop"], "city": "Lisbon", "country": "Portugal"}
    assert await found(kind="job", data=data, organization_id=company) == {
        "everything",
        "jobs",
        "any word",
        "all words",
        "a word of its skills",
        "a place",
        "a company",
    }
    assert await found(title="Filled", status="filled") == {"what is filled"}
    assert await market.told(grace) == []


async def test_a_gig_is_told_once_for_ever_and_the_same_again_is_the_same(
    market: Market, people: list[Person]
) -> None:
    _, ada, _ = people
    await market.alert(ada, keywords=["dancers"])
    gig = await market.put()
    assert await market.counts(ada) == [1]
    for fields in ({"title": "Dancers, urgent"}, {"status": "closed"}, {}):
        await market.put(gig, **fields)
        assert await market.counts(ada) == [1]
    # Posted again under another id, with other signs and the like: the same job.
    await market.put(title="DANCERS for a video!", data={"external_id": "7"})
    assert await market.counts(ada) == [1]
    await market.put(title="Dancers for a video", data={"city": "Porto"})
    assert await market.counts(ada) == [1, 1]


async def test_what_is_posted_again_before_anybody_was_told_is_told_once(
    market: Market, people: list[Person]
) -> None:
    _, ada, grace = people
    await market.alert(ada, "daily")
    first = await market.put()
    await market.put(first, status="closed")
    second = await market.put()
    market.now += timedelta(days=1)
    (told,) = await market.told(ada)
    assert [gig["gig_id"] for gig in told["groups"][0]["gigs"]] == [second]
    # Or closed until it was due, so that nobody was told: the next one is news.
    await market.alert(grace, "daily", kinds=["job"])
    third = await market.put(kind="job")
    await market.put(third, kind="job", status="closed")
    market.now += timedelta(days=1)
    assert await market.counts(grace) == []
    await market.put(kind="job")
    market.now += timedelta(days=1)
    assert await market.counts(grace) == [1]


async def test_nobody_is_alerted_of_their_own_or_across_a_block(
    market: Market, people: list[Person], node: Node, http: httpx.AsyncClient
) -> None:
    owner, ada, grace = people
    member, blocked, blocker, suspended = await make_people(
        node, "Member", "Blocked", "Blocker", "Suspended"
    )
    company = await market.organization("Harbour", member)
    for person in (owner, ada, grace, member, blocked, blocker, suspended):
        await market.alert(person)
    await http.put(f"/v1/blocks/{blocked.id}", headers=owner.headers)
    await http.put(f"/v1/blocks/{owner.id}", headers=blocker.headers)
    answer = await http.put(
        f"/v1/platform/users/{suspended.id}",
        json={"display_name": "Suspended", "account_status": "suspended"},
        headers=KEY,
    )
    assert answer.status_code == 200
    await market.put(
        organization_id=company, members=[{"user_id": str(grace.id), "role": "lead"}]
    )
    told = {
        person.name: await market.counts(person)
        for person in (owner, ada, grace, member, blocked, blocker, suspended)
    }
    assert {name for name, counts in told.items() if counts} == {"Ada"}


async def test_what_has_changed_until_it_is_told_is_dropped_with_a_reason(
    market: Market, people: list[Person], node: Node, http: httpx.AsyncClient
) -> None:
    owner, ada, grace = people
    alert = await market.alert(ada, "daily", keywords=["dancers"])
    closed = await market.put(data={"tags": ["1"]})
    cancelled = await market.put(data={"tags": ["2"]})
    deadline = (NOON + timedelta(hours=2)).isoformat()
    await market.put(data={"tags": ["3"]}, deadline=deadline)
    edited = await market.put(data={"tags": ["4"]})
    gone = await market.put(data={"tags": ["5"]})
    joined = await market.put(data={"tags": ["6"]})
    await market.put(closed, status="closed", data={"tags": ["1"]})
    await market.put(cancelled, status="cancelled", data={"tags": ["2"]})
    await market.put(edited, title="Singers")
    await market.put(joined, data={"tags": ["6"]}, members=[{"user_id": str(ada.id)}])
    async with node.transaction() as work:
        await work.connection.execute(
            text("DELETE FROM callboard.gigs WHERE id = :gig"), {"gig": UUID(gone)}
        )
    assert await market.told(ada) == []
    market.now += timedelta(days=1)
    assert await market.told(ada) == []
    assert {reason for _, reason in await market.matches()} == {
        "gig_closed",
        "gig_cancelled",
        "gig_expired",
        "no_match",
        "gig_gone",
        "own",
    }
    listed = (await http.get("/v1/job-alerts", headers=ada.headers)).json()["items"]
    assert listed[0]["last_sent_at"] is None

    await market.put(data={"tags": ["7"]})
    await market.change(ada, alert, status="paused")
    market.now += timedelta(days=1)
    assert await market.told(ada) == []
    await market.put(data={"tags": ["8"]})
    await market.change(ada, alert, status="active")
    market.now += timedelta(days=1)
    assert await market.told(ada) == []

    await market.put(data={"tags": ["9"]})
    await http.put(f"/v1/blocks/{ada.id}", headers=owner.headers)
    market.now += timedelta(days=1)
    assert await market.told(ada) == []
    reasons = [reason for _, reason in await market.matches()]
    assert reasons[6:] == ["paused", "blocked"]
    assert await market.told(grace) == []


async def test_a_week_is_told_together_at_the_readers_time(
    market: Market, people: list[Person], http: httpx.AsyncClient, node: Node
) -> None:
    _, ada, grace = people
    for person in (ada, grace):
        answer = await http.put(
            f"/v1/platform/users/{person.id}",
            json={"display_name": person.name, "timezone": "Asia/Kathmandu"},
            headers=KEY,
        )
        assert answer.status_code == 200
    weekly = await market.alert(ada, "weekly")
    await market.alert(grace, "daily")
    for number in range(3):
        await market.put(data={"tags": [str(number)]})
        market.now += timedelta(hours=1)
    # Eight in Kathmandu, UTC+5:45, the next day; on a Monday for the week.
    market.now = datetime(2026, 6, 11, 2, 14, 59, tzinfo=UTC)
    assert await market.told(grace) == []
    market.now += timedelta(seconds=1)
    assert await market.counts(grace) == [3]
    market.now = datetime(2026, 6, 15, 2, 14, 59, tzinfo=UTC)
    assert await market.told(ada) == []
    market.now += timedelta(seconds=1)
    (told,) = await market.told(ada)
    assert told["count"] == 3
    assert told["title"] == "3 new jobs: Mine"
    listed = (await http.get("/v1/job-alerts", headers=ada.headers)).json()["items"]
    assert listed[0]["last_sent_at"] == "2026-06-15T02:15:00.000Z"
    # What was found and not told follows a change of how often.
    await market.put(data={"tags": ["now"]})
    assert await market.counts(ada) == [3]
    node.clock = lambda: market.now
    await market.change(ada, weekly, frequency="instant")
    assert await market.counts(ada) == [3, 1]


async def test_one_company_does_not_fill_the_list_and_counts_are_lines(
    market: Market, people: list[Person]
) -> None:
    _, ada, _ = people
    await market.alert(ada, "daily")
    companies = [await market.organization(f"Company {n}") for n in range(5)]
    for company, count in zip(companies, (5, 1, 3, 4, 2), strict=True):
        for number in range(count):
            market.now += timedelta(seconds=1)
            await market.put(
                organization_id=company,
                title=f"Job {number}",
                data={"city": "Bern"},
            )
    market.now += timedelta(days=1)
    (told,) = await market.told(ada)
    listed = {
        group["organization"]: ([gig["title"] for gig in group["gigs"]], group["more"])
        for group in told["groups"]
    }
    # The newest first: ten lines, three at the most of one company.
    assert listed == {
        "Company 4": (["Job 1", "Job 0"], 0),
        "Company 3": (["Job 3", "Job 2", "Job 1"], 1),
        "Company 2": (["Job 2", "Job 1", "Job 0"], 0),
        "Company 1": (["Job 0"], 0),
        "Company 0": (["Job 4"], 4),
    }
    lines = sum(len(gigs) for gigs, _ in listed.values())
    more = sum(more for _, more in listed.values()) + told["more"]
    assert (lines, told["count"]) == (10, 15)
    assert lines + more == told["count"]
    assert told["message"].count("Job") == lines


async def test_what_closes_before_a_mail_leaves_is_not_in_it(
    market: Market, people: list[Person], node: Node
) -> None:
    _, ada, grace = people
    await market.alert(ada, "daily")
    await market.alert(grace, "daily")
    gigs = {
        title: await market.put(title=title)
        for title in ("Dancers", "Singers", "Extras")
    }
    market.now += timedelta(days=1)
    assert await market.counts(ada) == [3]
    async with node.transaction() as work:
        await work.connection.execute(
            text("UPDATE callboard.users SET email = id || '@example.org'")
        )
        await work.connection.execute(
            text(
                "INSERT INTO callboard.deliveries (id, user_id, channel, type, class,"
                " priority, mode, status, notification_id, due_at, created_at,"
                " updated_at) SELECT gen_random_uuid(), user_id, 'email', type, class,"
                " priority, 'instant', 'pending', id, :now, :now, :now"
                " FROM callboard.notifications"
            ),
            {"now": market.now},
        )
    await market.put(gigs["Dancers"], title="Dancers", status="cancelled")
    await market.put(gigs["Extras"], title="Extras", status="closed")

    async def leaves(person: Person) -> list[Parcel]:
        releaser = Releaser(
            node.transaction, (), lambda: market.now, None, node.settings, CATALOGUE
        )
        async with node.transaction() as work:
            await work.connection.execute(
                text(
                    "UPDATE callboard.deliveries"
                    " SET due_at = CAST(:now AS timestamptz)"
                    " + CASE WHEN user_id = :me THEN interval '0' ELSE interval '1 day'"
                    " END WHERE status = 'pending'"
                ),
                {"now": market.now, "me": person.id},
            )
        return await releaser.release({"email"}, 10)

    (mail,) = await leaves(ada)
    (item,) = mail.items
    assert (item.title, item.text) == ("A new job: Mine", "Singers")
    assert "Dancers" not in str(item.data)
    await market.put(gigs["Singers"], title="Singers", status="filled")
    assert await leaves(grace) == []
    async with node.transaction() as work:
        rows = await work.connection.execute(
            text("SELECT reason FROM callboard.deliveries WHERE user_id = :me"),
            {"me": grace.id},
        )
        assert list(rows.scalars()) == ["gig_closed"]
