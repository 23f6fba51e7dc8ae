"""What tests of the market share: putting things, and reading what happened."""

from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text

from realtime.node import Node
from tests.api.calling import KEY
from tests.factories import Person

BASE = "/v1/platform"


async def put(http: httpx.AsyncClient, path: str, **fields: object) -> httpx.Response:
    """Put something, given its path below the platform's."""
    return await http.put(f"{BASE}/{path}", json=fields, headers=KEY)


async def get(http: httpx.AsyncClient, path: str, **query: str | int) -> httpx.Response:
    """Read something, given its path below the platform's."""
    return await http.get(f"{BASE}/{path}", params=query, headers=KEY)


async def delete(http: httpx.AsyncClient, path: str) -> httpx.Response:
    """Delete something, given its path below the platform's."""
    return await http.delete(f"{BASE}/{path}", headers=KEY)


async def batch(
    http: httpx.AsyncClient, noun: str, *items: dict[str, Any]
) -> httpx.Response:
    """Put many things of one noun."""
    body = {"items": list(items)}
    return await http.post(f"{BASE}/{noun}/batch", json=body, headers=KEY)


def gig_of(owner: Person, **more: object) -> dict[str, Any]:
    """Say what a gig needs at least."""
    return {
        "kind": "gig",
        "owner_id": str(owner.id),
        "title": "Dancers",
        "status": "published",
        **more,
    }


async def put_gig(http: httpx.AsyncClient, owner: Person, **more: object) -> str:
    """Put a new gig and give its id."""
    gig = str(uuid4())
    answer = await put(http, f"gigs/{gig}", **gig_of(owner, **more))
    assert answer.status_code == 200, answer.text
    return gig


async def put_application(
    http: httpx.AsyncClient, gig: str, applicant: Person, status: str = "pending"
) -> str:
    """Put a new application and give its id."""
    application = str(uuid4())
    answer = await put(
        http,
        f"gigs/{gig}/applications/{application}",
        applicant_id=str(applicant.id),
        status=status,
    )
    assert answer.status_code == 200, answer.text
    return application


async def happened(node: Node, about: object) -> list[str]:
    """Name what happened to something, in order; conversations of it aside."""
    async with node.transaction() as work:
        rows = await work.connection.execute(
            text(
                "SELECT e.type FROM callboard.domain_events e WHERE EXISTS"
                " (SELECT FROM jsonb_each_text(e.subject) s WHERE s.value = :about)"
                " AND e.type ~ '^(organization|gig|application)[.]' ORDER BY e.id"
            ),
            {"about": str(about)},
        )
        return list(rows.scalars())


def nobody() -> str:
    """Give an id that nothing has."""
    return str(uuid4())
