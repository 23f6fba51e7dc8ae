"""Many items in one call: all or nothing, the first bad one named by its index."""

from collections.abc import Iterable
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import Field

from api import shapes
from api.errors import wrong_item
from realtime.errors import Invalid

Item = TypeVar("Item", bound=shapes.Body)

BATCH_ITEMS = 1000


class Batch(shapes.Body, Generic[Item]):
    """Items to create or update, in any order, each id once."""

    items: Annotated[list[Item], Field(min_length=1, max_length=BATCH_ITEMS)]


def items_of(batch: Batch[Item]) -> list[dict[str, Any]]:
    """
    Give what the items of a batch say, without what they leave out.

    Raises:
        Invalid: Two are about one id; with the index of the second one.
    """
    items = [item.model_dump(exclude_unset=True) for item in batch.items]
    require_distinct(item["id"] for item in items)
    return items


def require_distinct(ids: Iterable[UUID]) -> None:
    """
    Refuse a batch that says two things about one id.

    Raises:
        Invalid: With the index of the second one.
    """
    seen: set[UUID] = set()
    for index, one in enumerate(ids):
        if one in seen:
            details = wrong_item(index, "id", "stands in this batch twice")
            raise Invalid("An id stands in this batch twice.", details=details)
        seen.add(one)
