"""Row-level security: a forgotten WHERE shows nothing of others."""

import asyncpg
import pytest

from realtime.node import Node
from storage.records import ConversationId
from tests.databases import TestDatabase
from tests.factories import Person, connect_people, make_pair, make_people

# What a user may read at all; a new table has to be put on one of the two lists.
READABLE = {
    "users",
    "organizations",
    "organization_members",
    "connections",
    "blocks",
    "conversations",
    "participants",
    "messages",
    "message_keys",
    "receipts",
    "message_edits",
    "reactions",
    "uploads",
    "gigs",
    "gig_members",
    "applications",
    "reports",
    "user_content_preferences",
    "notifications",
    "notification_preferences",
    "notification_settings",
    "devices",
    "topic_subscriptions",
    "job_alerts",
    "job_alert_matches",
}
HIDDEN = {
    "feed",
    "api_keys",
    "idempotency_keys",
    "moderation_log",
    "audit_logs",
    "domain_events",
    "broadcasts",
    "deliveries",
    "digests",
    "email_logs",
    "email_suppressions",
    "event_consumers",
    "inbound_emails",
    "reminders",
    "server_keys",
    "webhook_deliveries",
    "webhook_endpoints",
}


async def as_user(
    connection: asyncpg.Connection, person: Person | None, query: str
) -> list[asyncpg.Record]:
    async with connection.transaction():
        await connection.execute("SET LOCAL ROLE callboard_user")
        if person is not None:
            await connection.execute(
                "SELECT set_config('callboard.user_id', $1, true)", str(person.id)
            )
        rows: list[asyncpg.Record] = await connection.fetch(query)
        return rows


async def write(node: Node, sender: Person, conversation: ConversationId) -> None:
    async with node.database.hot() as connection:
        await connection.execute(
            "SELECT draft FROM callboard.send_messages(gen_random_uuid(),"
            " ARRAY[gen_random_uuid()], ARRAY[$1::uuid], ARRAY[$2::uuid],"
            " ARRAY[gen_random_uuid()], ARRAY[gen_random_uuid()], ARRAY['secret'],"
            " ARRAY['[]'], ARRAY[NULL::uuid], ARRAY['{}'])",
            conversation,
            sender.id,
        )


async def test_every_table_has_policies_and_is_listed_here(
    database: TestDatabase,
) -> None:
    connection = await asyncpg.connect(database.admin_url)
    try:
        rows = await connection.fetch(
            "SELECT c.relname, c.relrowsecurity, c.relispartition FROM pg_class c"
            " WHERE c.relnamespace = 'callboard'::regnamespace"
            " AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'"
        )
        assert all(row["relrowsecurity"] for row in rows)
        tables = {row["relname"] for row in rows if not row["relispartition"]}
        assert tables == READABLE | HIDDEN
    finally:
        await connection.close()


async def test_the_servers_login_is_no_superuser_and_bypasses_nothing(
    node: Node,
) -> None:
    async with node.database.hot() as connection:
        row = await connection.fetchrow(
            "SELECT current_user AS acting, r.rolsuper OR r.rolbypassrls AS may_all"
            " FROM pg_roles r WHERE r.rolname = session_user"
        )
    assert row["acting"] == "callboard_service"
    assert row["may_all"] is False


async def test_a_bare_select_shows_only_ones_own(
    node: Node, database: TestDatabase
) -> None:
    ada, grace, theirs = await make_pair(node, ("Ada", "Grace"))
    mallory, alan, others = await make_pair(node, ("Mallory", "Alan"))
    await write(node, ada, theirs)
    await write(node, grace, theirs)
    await write(node, mallory, others)
    async with node.transaction(ada.id) as work:
        await work.blocks.add(ada.id, alan.id)
    connection = await asyncpg.connect(database.url)
    try:
        seen = {
            table: await as_user(connection, ada, f"SELECT * FROM callboard.{table}")
            for table in READABLE
        }
    finally:
        await connection.close()
    assert [row["id"] for row in seen["users"]] == [ada.id]
    assert len(seen["connections"]) == 1
    assert [row["id"] for row in seen["conversations"]] == [theirs]
    assert {row["conversation_id"] for row in seen["participants"]} == {theirs}
    assert {row["conversation_id"] for row in seen["messages"]} == {theirs}
    assert len(seen["messages"]) == 2
    assert {row["sender_id"] for row in seen["message_keys"]} == {ada.id}
    assert {row["conversation_id"] for row in seen["receipts"]} == {theirs}
    assert [row["blocked_id"] for row in seen["blocks"]] == [alan.id]


async def test_whom_somebody_has_blocked_the_blocked_cannot_see(
    node: Node, database: TestDatabase
) -> None:
    ada, alan = await make_people(node, "Ada", "Alan")
    async with node.transaction(ada.id) as work:
        await work.blocks.add(ada.id, alan.id)
    connection = await asyncpg.connect(database.url)
    try:
        rows = await as_user(connection, alan, "SELECT * FROM callboard.blocks")
    finally:
        await connection.close()
    assert rows == []


@pytest.mark.parametrize("table", sorted(READABLE))
async def test_without_a_user_nothing_is_visible(
    node: Node, database: TestDatabase, table: str
) -> None:
    ada, _grace, theirs = await make_pair(node)
    await write(node, ada, theirs)
    connection = await asyncpg.connect(database.url)
    try:
        rows = await as_user(connection, None, f"SELECT * FROM callboard.{table}")
    finally:
        await connection.close()
    assert rows == []


@pytest.mark.parametrize("table", sorted(HIDDEN))
async def test_what_is_the_servers_no_user_reads(
    node: Node, database: TestDatabase, table: str
) -> None:
    (ada,) = await make_people(node, "Ada")
    connection = await asyncpg.connect(database.url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_user(connection, ada, f"SELECT * FROM callboard.{table}")
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE callboard.participants SET read_seq = 0 WHERE user_id <> '{me}'",
        "UPDATE callboard.connections SET status = 'accepted'"
        " WHERE requester_id <> '{me}' AND recipient_id <> '{me}'",
        "DELETE FROM callboard.blocks WHERE blocker_id <> '{me}'",
    ],
)
async def test_what_belongs_to_others_cannot_be_changed(
    node: Node, database: TestDatabase, statement: str
) -> None:
    ada, grace, theirs = await make_pair(node)
    mallory, alan = await make_people(node, "Mallory", "Alan")
    await connect_people(node, mallory, alan, "pending")
    async with node.transaction(mallory.id) as work:
        await work.blocks.add(mallory.id, alan.id)
    await write(node, grace, theirs)
    connection = await asyncpg.connect(database.url)
    try:
        rows = await as_user(
            connection, ada, statement.format(me=ada.id) + " RETURNING 1"
        )
    finally:
        await connection.close()
    assert rows == []


async def test_a_user_cannot_write_messages_past_the_ledger(
    node: Node, database: TestDatabase
) -> None:
    ada, _grace, theirs = await make_pair(node)
    connection = await asyncpg.connect(database.url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_user(
                connection,
                ada,
                "INSERT INTO callboard.messages (conversation_id, seq, id, body,"
                f" sent_at) VALUES ('{theirs}', 1, gen_random_uuid(), 'x', now())",
            )
    finally:
        await connection.close()
