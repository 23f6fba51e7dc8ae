"""
What the platform's puts share: one item or many, all or nothing.

An item names by id what it is about; what it leaves out keeps its value, and what says
nothing new changes nothing. A refusal names the first bad item in `details.index`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Generic
from uuid import UUID

from realtime.errors import Conflict, Invalid
from storage.errors import Missing
from storage.rows import Record, Rows
from storage.unit_of_work import UnitOfWork

Item = Mapping[str, Any]

# From each status, those that may come next.
Steps = Mapping[str, Collection[str]]

_SAID_OTHERWISE = {"status", "status_at", "updated_at"}


@dataclass(frozen=True, slots=True)
class Put(Generic[Record]):
    """What became of an item: how it stood, if it did, and how it stands."""

    before: Record | None
    after: Record

    def changes(self, *columns: str) -> bool:
        """Tell whether any of these columns is new or has another value."""
        return self.before is None or any(
            getattr(self.before, column) != getattr(self.after, column)
            for column in columns
        )


async def put_items(
    store: Rows[Record],
    items: Sequence[Item],
    defaults: Item,
    now: datetime,
    *,
    unknown_in: Callable[[Item], str | None],
    check: Callable[[int, Record, Item], None],
) -> list[Put[Record]]:
    """
    Create or update, and give what became of each item, in the order given.

    `defaults` are the columns that an item may leave out. `unknown_in` names the field
    of an item that refers to nobody and nothing here, `check` refuses what contradicts
    how it stood, given the item's index.

    Raises:
        Invalid: An item refers to what is not known here.
        Conflict: As `check` has it.
    """
    good, refusal = _until_unknown(items, unknown_in)
    fresh = {**defaults, "created_at": now, "updated_at": now}
    rows = [_with_status_at(fresh | _columns(item), now) for item in good]
    try:
        known = await store.insert_or_lock(rows) if rows else {}
        # Before the unknown reference: the first bad item is the one to name.
        for index, item in enumerate(good):
            if item["id"] in known:
                check(index, known[item["id"]], item)
        if refusal is not None:
            raise refusal
        changed = [
            _changed(known[item["id"]], item, now)
            for item in good
            if item["id"] in known and _says_something_new(known[item["id"]], item)
        ]
        if changed:
            await store.overwrite(changed)
    except Missing:
        # Erased between the two looks.
        raise Invalid("Somebody or something is not known here.") from None
    stored = await store.named([item["id"] for item in good])
    return [Put(known.get(item["id"]), stored[item["id"]]) for item in good]


def say_what_happened(
    work: UnitOfWork,
    noun: str,
    put: Put[Record],
    subject: Mapping[str, UUID | None],
    *,
    first: str | None = None,
) -> None:
    """
    Keep what became of an item: `created`, `updated`, the status that it has reached.

    `first` is the status in which things of this kind begin, and which goes without
    saying.
    """
    before = None if put.before is None else asdict(put.before)
    after = asdict(put.after)
    was, status = (before or {}).get("status", first), after.get("status")
    if before is None:
        work.happen(f"{noun}.created", subject)
    elif any(before[name] != after[name] for name in after.keys() - _SAID_OTHERWISE):
        work.happen(f"{noun}.updated", subject)
    if status != was:
        work.happen(f"{noun}.{status}", subject, {"from": was, "to": status})


def unknown(index: int, field: str) -> Invalid:
    """Refuse an item because of what one of its fields refers to."""
    return Invalid(
        f"{field} names nothing known here.", details={"index": index, "field": field}
    )


def require_step(index: int, steps: Steps, before: str, after: str) -> None:
    """
    Refuse a status that cannot follow the one before; the same again can.

    Raises:
        Conflict: Naming both, and the item's index.
    """
    if after != before and after not in steps[before]:
        raise Conflict(
            f"What is {before} cannot become {after}.",
            details={"index": index, "from": before, "to": after},
        )


def _until_unknown(
    items: Sequence[Item], unknown_in: Callable[[Item], str | None]
) -> tuple[Sequence[Item], Invalid | None]:
    for index, item in enumerate(items):
        if field := unknown_in(item):
            return items[:index], unknown(index, field)
    return items, None


def _columns(item: Item) -> dict[str, Any]:
    # Whom something consists of stands in rows of their own.
    return {column: value for column, value in item.items() if column != "members"}


def _with_status_at(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return row | {"status_at": now} if "status" in row else row


def _says_something_new(before: Record, item: Item) -> bool:
    return any(
        getattr(before, column) != value for column, value in _columns(item).items()
    )


def _changed(before: Record, item: Item, now: datetime) -> dict[str, Any]:
    row = {**asdict(before), **_columns(item), "updated_at": now}
    is_moved = "status" in item and item["status"] != getattr(before, "status", None)
    return _with_status_at(row, now) if is_moved else row
