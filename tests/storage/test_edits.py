"""What a user's own transaction may do to messages, whatever the server asks of it."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from realtime.node import Node
from storage.records import ConversationId
from tests.databases import TestDatabase
from tests.factories import Person, make_pair, make_people
from tests.storage.test_policies import as_user, write


async def place_of(node: Node, conversation: ConversationId) -> tuple[UUID, int]:
    async with node.database.hot() as connection:
        row = await connection.fetchrow(
            "SELECT id, seq FROM callboard.messages WHERE conversation_id = $1",
            conversation,
        )
    return row["id"], row["seq"]


async def attempt(database: TestDatabase, person: Person, query: str) -> None:
    connection = await asyncpg.connect(database.url)
    try:
        await as_user(connection, person, query)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "call",
    [
        "edit_message('{talk}', {seq}, 'mine')",
        "delete_message('{talk}', {seq})",
        "react('{talk}', '{id}', 'x', true, 20, 2000)",
        "react('{talk}', '{id}', 'x', false, 20, 2000)",
        "wipe_message('{talk}', {seq})",
        "lock_any_message('{id}')",
    ],
)
async def test_an_outsiders_transaction_changes_nothing(
    node: Node, database: TestDatabase, call: str
) -> None:
    ada, _grace, talk = await make_pair(node)
    (mallory,) = await make_people(node, "Mallory")
    await write(node, ada, talk)
    message, seq = await place_of(node, talk)
    filled = call.format(talk=talk, seq=seq, id=message)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt(database, mallory, f"SELECT callboard.{filled}")


@pytest.mark.parametrize(
    "call", ["edit_message('{talk}', {seq}, 'mine')", "delete_message('{talk}', {seq})"]
)
async def test_a_readers_transaction_changes_nothing_of_anothers(
    node: Node, database: TestDatabase, call: str
) -> None:
    ada, grace, talk = await make_pair(node)
    await write(node, ada, talk)
    _message, seq = await place_of(node, talk)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt(
            database, grace, f"SELECT callboard.{call.format(talk=talk, seq=seq)}"
        )


async def test_what_one_may_not_see_is_not_locked_quoted_or_found(
    node: Node, database: TestDatabase
) -> None:
    ada, grace, talk = await make_pair(node)
    (mallory,) = await make_people(node, "Mallory")
    await write(node, ada, talk)
    message, _seq = await place_of(node, talk)
    asked = {
        f"SELECT * FROM callboard.lock_message('{message}')": (0, 1),
        "SELECT * FROM callboard.search_messages('secret', NULL, NULL, NULL, 5)": (
            0,
            1,
        ),
        "SELECT 1 FROM callboard.messages"
        f" WHERE callboard.quote_of('{talk}', '{message}') IS NOT NULL": (0, 1),
        f"SELECT * FROM callboard.quote_of('{talk}', '{message}') q"
        " WHERE q IS NOT NULL": (0, 1),
    }
    connection = await asyncpg.connect(database.url)
    try:
        for query, expected in asked.items():
            seen = tuple(
                [len(await as_user(connection, who, query)) for who in (mallory, grace)]
            )
            assert seen == expected, query
    finally:
        await connection.close()


async def test_without_a_user_nothing_is_found(
    node: Node, database: TestDatabase
) -> None:
    ada, _grace, talk = await make_pair(node)
    await write(node, ada, talk)
    connection = await asyncpg.connect(database.url)
    try:
        query = "SELECT * FROM callboard.search_messages('secret', NULL, NULL, NULL, 5)"
        assert await as_user(connection, None, query) == []
        query = f"SELECT * FROM callboard.lock_message('{uuid4()}')"
        assert await as_user(connection, None, query) == []
    finally:
        await connection.close()
