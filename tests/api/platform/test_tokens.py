"""Minted tokens: good until they say, signed only where there is a secret."""

from datetime import datetime
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from realtime.clock import system_clock
from tests.api.calling import KEY, problem
from tests.conftest import API_KEY, running_node, settings_for
from tests.databases import TestDatabase

PATH = "/v1/platform/tokens"


async def test_a_minted_token_lets_its_user_in(http: httpx.AsyncClient) -> None:
    user = str(uuid4())
    answer = await http.post(
        PATH, json={"user_id": user, "expires_in": 60}, headers=KEY
    )
    assert answer.status_code == 201
    token = answer.json()
    left = datetime.fromisoformat(token["expires_at"]) - system_clock()
    assert 55 < left.total_seconds() <= 60
    me = await http.get("/v1/me", headers={"Authorization": f"Bearer {token['token']}"})
    assert me.json()["profile"]["id"] == user


@pytest.mark.parametrize(
    "wrong",
    [
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": 1.5},
        {"expires_in": "60"},
        {"expires_in": 10**12},
        {"user_id": "x"},
        {"odd": 1},
    ],
)
async def test_a_token_needs_somebody_and_some_time(
    http: httpx.AsyncClient, wrong: dict[str, object]
) -> None:
    body = {"user_id": str(uuid4()), "expires_in": 60} | wrong
    problem(await http.post(PATH, json=body, headers=KEY), 422, "invalid")


async def test_audience_and_issuer_are_those_that_are_checked(
    database: TestDatabase,
) -> None:
    settings = settings_for(database, jwt_audience="chat", jwt_issuer="https://us")
    async with running_node(settings) as node:
        transport = httpx.ASGITransport(create_app(node))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            body = {"user_id": str(uuid4()), "expires_in": 60}
            token = (await http.post(PATH, json=body, headers=KEY)).json()["token"]
            headers = {"Authorization": f"Bearer {token}"}
            assert (await http.get("/v1/me", headers=headers)).status_code == 200


async def test_without_a_shared_secret_there_is_nothing_to_sign_with(
    database: TestDatabase,
) -> None:
    settings = settings_for(database).model_copy(update={"jwt_secret": None})
    async with running_node(settings) as node:
        transport = httpx.ASGITransport(create_app(node))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            body = {"user_id": str(uuid4()), "expires_in": 60}
            answer = await http.post(PATH, json=body, headers=KEY)
            problem(answer, 404, "not_found")
            assert API_KEY not in answer.text
