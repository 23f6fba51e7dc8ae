"""The `callboard` command: the table of its commands, and how it says no."""

import asyncio
import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from api.dev import develop
from api.logs import configure
from api.migrating import migrate_database
from api.refusals import REFUSALS, exit_code
from api.serving import serve_alone
from realtime.settings import load

app = typer.Typer(
    help="Callboard: realtime messaging and notifications for marketplaces.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Host = Annotated[
    str | None, typer.Option(help="Address to listen on [CALLBOARD_HOST].")
]
Port = Annotated[
    int | None,
    typer.Option(help="Port; 0 for any that is free [CALLBOARD_PORT].", min=0, max=65535),
]
DataDir = Annotated[
    Path | None, typer.Option(help="Where `callboard dev` keeps its data.")
]


def _show_version(is_wanted: bool) -> None:
    if not is_wanted:
        return
    try:
        typer.echo(f"callboard {version('callboard')}")
    except PackageNotFoundError:
        typer.echo("callboard (not installed, run from its source)")
    raise typer.Exit


@app.callback()
def _root(
    is_version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and leave.",
            callback=_show_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    pass


@app.command()
def dev(port: Port = None, host: Host = None, data_dir: DataDir = None) -> None:
    """Try it: one process, a database of its own, people to be."""
    settings = load(host=host, port=port)
    configure(settings)
    develop(settings, data_dir)


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes sharing the port [CALLBOARD_WORKERS].", min=1),
    ] = None,
) -> None:
    """Serve HTTP and WebSocket on one port."""
    settings = load(host=host, port=port, workers=workers)
    configure(settings)
    serve_alone(settings)


@app.command()
def migrate(
    to: Annotated[
        str, typer.Option(metavar="REV", help="Upgrade as far as this revision.")
    ] = "head",
    down: Annotated[
        str | None,
        typer.Option(
            metavar="REV", help="Go back to this one; `base` deletes everything."
        ),
    ] = None,
) -> None:
    """Bring the database to the schema of this release, or back."""
    settings = load()
    configure(settings)
    asyncio.run(migrate_database(settings, to, down))


def main() -> None:
    """Run the command, and turn what it raises into a sentence and an exit code."""
    # Without this a SIGTERM during start-up would skip every `finally`.
    signal.signal(signal.SIGTERM, _leave)
    try:
        app(prog_name="callboard")
    except REFUSALS as error:
        sys.stderr.write(f"callboard: {error}\n")
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
