"""What words cost: no text may take much longer than any other of its length."""

import random
import time
from uuid import UUID

import asyncpg
import pytest

from tests.databases import TestDatabase

_LENGTH = 8000
_ORDINARY = "We meet at nine and bring the dresses, shoes and two lamps. "
# Far above what any text costs by its characters (up to 10), far below what it costs
# where the parser begins again at every sign (from 200).
_FACTOR = 30
_SIGNS = "ab1-_./:@+~&#=?%<>!'\"\\é北e0 \u0301\u093e\u200d"
_CONVERSATION = UUID(int=1)


def generated(seed: int) -> str:
    chance = random.Random(seed)
    length = chance.choice([2, 3, 4, 6, 12, _LENGTH])
    unit = "".join(chance.choice(_SIGNS) for _ in range(length))
    return unit * _LENGTH


async def cost(connection: asyncpg.Connection, text: str, locale: str) -> float:
    """Give the seconds of the quickest of some tries."""
    tries = []
    for _ in range(3):
        begun = time.perf_counter()
        await connection.fetchval(
            "SELECT length(callboard.search_vector($1, $2, $3))",
            text[:_LENGTH],
            _CONVERSATION,
            locale,
        )
        tries.append(time.perf_counter() - begun)
    return min(tries)


@pytest.mark.parametrize("locale", ["", "en"])
async def test_no_text_costs_much_more_than_an_ordinary_one(
    database: TestDatabase, locale: str
) -> None:
    units = [
        "a_1-",
        "a_b-",
        "a_b-c.",
        "a-1_",
        "a.b/",
        "http://a.b/c?",
        "a@b.c ",
        "é-1_",
    ]
    texts = [unit * _LENGTH for unit in units] + [generated(seed) for seed in range(60)]
    connection = await asyncpg.connect(database.admin_url)
    try:
        ordinary = await cost(connection, _ORDINARY * _LENGTH, locale)
        costs = [(await cost(connection, text, locale), text[:12]) for text in texts]
    finally:
        await connection.close()
    worst, unit = max(costs)
    assert worst < _FACTOR * ordinary, unit
