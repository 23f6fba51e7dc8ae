"""Logs: a line of JSON to stdout, or a readable one on a terminal."""

import json
import logging
import sys
from datetime import UTC, datetime

from realtime.clock import instant
from realtime.settings import Settings

# What every record has; the rest was given as `extra` and is worth writing.
_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record with its extras."""
        line = {
            "at": instant(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _KNOWN}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class Readable(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record with its extras."""
        extras = " ".join(
            f"{key}={value}" for key, value in vars(record).items() if key not in _KNOWN
        )
        moment = datetime.fromtimestamp(record.created).astimezone()
        line = f"{moment:%H:%M:%S} {record.levelname.lower():7} {record.getMessage()}"
        line = f"{line}  {extras}" if extras else line
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure(settings: Settings) -> None:
    """Have everything of this process log one way."""
    is_json = settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stdout.isatty()
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines() if is_json else Readable())
    logging.basicConfig(
        level=settings.log_level.upper(), handlers=[handler], force=True
    )
    # What libraries tell of each connection or statement is not worth a line.
    for noisy in ("websockets", "uvicorn", "httpx", "httpcore", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
