"""
The `callboard` command: how it starts, and how it says no.

The table of commands stands in `cli_commands.py`. It is loaded late, so that an old
Python, or Ctrl-C while everything is loaded, is a sentence or nothing at all.
"""

import signal
import sys

INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Run the command that the arguments name."""
    if sys.version_info < (3, 11):  # noqa: UP036 - a checkout can be run by any Python
        sys.exit("callboard: Python 3.11 or newer is needed; start it with that.")
    try:
        from api.cli_commands import run_command  # noqa: PLC0415 - see above

        run_command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
