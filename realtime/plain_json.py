"""JSON as bytes, of what storage hands out too."""

from uuid import UUID

import orjson


def dumps(value: object) -> bytes:
    """
    Write a value as JSON.

    The driver's UUIDs are a subclass of Python's, which orjson leaves to us.

    Raises:
        TypeError: The value has no JSON form.
    """
    return orjson.dumps(value, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
