"""Snapshots say what PostgreSQL's would say."""

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.resume import decode_cursor, encode_cursor
from storage.snapshots import Snapshot
from tests.databases import TestDatabase


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    xmin = draw(st.integers(1, 50))
    xmax = draw(st.integers(xmin, xmin + 30))
    running = draw(st.sets(st.integers(xmin, max(xmax - 1, xmin)), max_size=8))
    return Snapshot(xmin, xmax, frozenset(xid for xid in running if xid < xmax))


@given(snapshots())
def test_text_and_back_is_the_same(snapshot: Snapshot) -> None:
    assert Snapshot.parse(str(snapshot)) == snapshot


async def test_postgresql_agrees_on_what_is_visible(database: TestDatabase) -> None:
    connection = await asyncpg.connect(database.admin_url)
    try:
        for text in ("10:10:", "10:20:10,13,19", "5:9:5,6,7,8", "1:1:"):
            snapshot = Snapshot.parse(text)
            rows = await connection.fetch(
                "SELECT x, pg_visible_in_snapshot(x::text::xid8,"
                " $1::text::pg_snapshot) AS is_seen FROM generate_series(1, 30) x",
                text,
            )
            assert [row["is_seen"] for row in rows] == [
                snapshot.sees(row["x"]) for row in rows
            ]
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "text",
    ["", "::", "0:1:", "5:4:", "5:9:4", "5:9:9", "5:9:7,6", "a:b:", "1:2", "1:2:3:4"],
)
def test_nonsense_is_no_snapshot(text: str) -> None:
    with pytest.raises(ValueError, match="not a snapshot"):
        Snapshot.parse(text)


@given(snapshots())
def test_a_cursor_counts_only_in_its_own_cluster(snapshot: Snapshot) -> None:
    cursor = encode_cursor("here-1", snapshot)
    assert decode_cursor("here-1", cursor) == snapshot
    assert decode_cursor("elsewhere-1", cursor) is None


@given(st.text(max_size=200))
def test_garbage_is_no_cursor_and_no_error(text: str) -> None:
    assert decode_cursor("here-1", text) is None
