"""What operators ask: alive, ready, how much of everything."""

import httpx
import pytest

from api.app import create_app
from realtime.node import Node
from tests.api.calling import KEY, key_with, problem
from tests.factories import make_people


def _from(
    node: Node, address: str, headers: dict[str, str] | None = None
) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(node), client=(address, 1234))
    return httpx.AsyncClient(
        transport=transport, base_url="http://callboard.test", headers=headers
    )


async def test_alive_and_ready(http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    answer = await http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "database": True,
        "bus": True,
        "draining": False,
    }


async def test_without_the_bus_it_is_slower_but_ready(
    http: httpx.AsyncClient, node: Node
) -> None:
    await node.bus.close()
    answer = await http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["bus"] is False


async def test_without_the_database_it_is_not_ready(
    http: httpx.AsyncClient, node: Node
) -> None:
    await node.database.close()
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] is False
    assert (await http.get("/healthz")).status_code == 200


async def test_who_is_draining_is_not_ready(
    http: httpx.AsyncClient, node: Node
) -> None:
    await node.drain()
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not_ready"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1"])
async def test_metrics_are_for_this_machine(node: Node, address: str) -> None:
    async with _from(node, address) as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "callboard_connections 0.0" in answer.text


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("203.0.113.7", {}),
        ("not an address", {}),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.7"}),
        ("127.0.0.1", {"X-Real-IP": "203.0.113.7"}),
        ("203.0.113.7", {"Authorization": "Bearer cbk_nobody-has-this"}),
        ("203.0.113.7", {"Authorization": "Bearer x.y.z"}),
    ],
)
async def test_metrics_are_nothing_to_others(
    node: Node, address: str, headers: dict[str, str]
) -> None:
    async with _from(node, address, headers) as http:
        refused = problem(await http.get("/metrics"), 404, "not_found")
        assert refused == problem(await http.get("/nothing"), 404, "not_found")


async def test_metrics_are_for_keys_with_the_scope(node: Node) -> None:
    for headers in (KEY, await key_with(node, "metrics")):
        async with _from(node, "203.0.113.7", headers) as http:
            assert (await http.get("/metrics")).status_code == 200
    (ada,) = await make_people(node, "Ada")
    for headers in (await key_with(node, "users"), ada.headers):
        async with _from(node, "203.0.113.7", headers) as http:
            problem(await http.get("/metrics"), 404, "not_found")
