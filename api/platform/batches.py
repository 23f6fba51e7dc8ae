"""Many items in one call: all or nothing, the first bad one named by its index."""

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


def items_of(batch: Batch[Item], named_by: str = "id") -> list[dict[str, Any]]:
    """
    Give what the items of a batch say, without what they leave out.

    Raises:
        Invalid: Two are about one id; with the index of the second one.
    """
    items = [item.model_dump(exclude_unset=True) for item in batch.items]
    seen: set[UUID] = set()
    for index, item in enumerate(items):
        if item[named_by] in seen:
            details = wrong_item(index, named_by, "stands in this batch twice")
            raise Invalid("An id stands in this batch twice.", details=details)
        seen.add(item[named_by])
    return items
