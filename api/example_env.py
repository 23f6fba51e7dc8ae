"""`.env.example`, written from the settings: `python -m api.example_env`."""

import sys
import textwrap
from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from realtime.settings import PREFIX, Settings

_HEAD = """\
# Every setting there is, with its default. Written by `python -m api.example_env`
# from realtime/settings.py; a test keeps the two equal. Copy what you change into
# the environment of the server: Callboard reads no file by itself.
"""


def render() -> str:
    """Give the whole file."""
    return _HEAD + "".join(_entries())


def _entries() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        text = textwrap.fill(
            field.description or "",
            width=86,
            initial_indent="# ",
            subsequent_indent="# ",
        )
        yield f"\n{text}\n#{PREFIX}{name.upper()}={_written(field.default)}\n"


def _written(value: object) -> str:
    match value:
        case None | SecretStr() | Mapping():
            return ""
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(str(each) for each in value)
    return str(value)


if __name__ == "__main__":
    sys.stdout.write(render())
