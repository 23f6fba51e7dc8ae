"""The table of the commands of `callboard`."""

import os
import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from api import keys as api_keys
from api.attach import attach as attach_to
from api.dev import develop
from api.dev_home import token_of
from api.doctor import diagnose, print_findings
from api.intake import take_mail
from api.logs import configure
from api.migrating import migrate_database
from api.recount import recount as recount_all
from api.refusals import REFUSALS, Misused, exit_code
from api.serving import run, serve_alone
from api.worker import work_until_signal
from api.workers import serve_together
from realtime.auth import SCOPES
from realtime.settings import Settings, load

app = typer.Typer(
    help="Callboard: realtime messaging and notifications for marketplaces.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

keys = typer.Typer(help="API keys of platform backends.", no_args_is_help=True)
app.add_typer(keys, name="keys")

Host = Annotated[
    str | None, typer.Option(help="Address to listen on [CALLBOARD_HOST].")
]
Port = Annotated[
    int | None,
    typer.Option(
        help="Port; 0 for any that is free [CALLBOARD_PORT].", min=0, max=65535
    ),
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
    develop(_settings(host=host, port=port), data_dir)


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes sharing the port [CALLBOARD_WORKERS].", min=1),
    ] = None,
    as_worker: Annotated[bool, typer.Option("--as-worker", hidden=True)] = False,
) -> None:
    """Serve HTTP and WebSocket on one port."""
    settings = _settings(host=host, port=port, workers=workers)
    if settings.workers > 1:
        serve_together(settings)
    else:
        serve_alone(settings, is_shared=as_worker)


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
    run(migrate_database(_settings(), to, down))


@app.command()
def worker() -> None:
    """Do what has to be done now and then; any number may run."""
    run(work_until_signal(_settings()))


@app.command()
def intake(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on [CALLBOARD_INTAKE_HOST].")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port; 0 for any that is free [CALLBOARD_INTAKE_PORT].",
            min=0,
            max=65535,
        ),
    ] = None,
) -> None:
    """Take mail that comes in: answers, bounces, complaints."""
    settings = load(intake_host=host, intake_port=port)
    configure(settings)
    take_mail(settings)


@app.command()
def recount(
    is_mending: Annotated[
        bool, typer.Option("--mend", help="Set right what is wrong.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, which names everything.")
    ] = False,
) -> None:
    """Count everything again from the messages; 1 where something stays wrong."""
    code = run(recount_all(load(), is_mending=is_mending, as_json=as_json))
    raise typer.Exit(code)


@app.command()
def token(
    user_id: Annotated[str, typer.Argument(help="The user's id, a UUID.")],
    expires_in: Annotated[
        str, typer.Option(help="How long it holds: 90s, 15m, 1h, 30d.")
    ] = "1h",
) -> None:
    """Print a token for a user, signed with CALLBOARD_JWT_SECRET."""
    api_keys.print_token(load(), user_id, expires_in)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What it may do, of {', '.join(SCOPES)}; give it again for more."
            " All by default."
        ),
    ] = None,
) -> None:
    """Make an API key and print it, this once."""
    run(api_keys.add_key(load(), name, scope or ["*"]))


@keys.command("list")
def list_keys() -> None:
    """List the keys: their beginning, scopes and last use."""
    run(api_keys.list_keys(load()))


@keys.command("rotate-vapid")
def rotate_vapid() -> None:
    """Have browsers subscribe to Web Push with a new key; the old goes on."""
    run(api_keys.rotate_vapid(load()))


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="The id that `list` shows.")],
) -> None:
    """Revoke a key for good."""
    run(api_keys.revoke_key(load(), key_id))


@app.command()
def doctor() -> None:
    """Say what is wrong with the set-up, and what to do about it."""
    raise typer.Exit(print_findings(run(diagnose(os.environ))))


@app.command()
def attach(
    url: Annotated[
        str, typer.Option(help="The server, as `callboard dev` prints it.")
    ] = "ws://127.0.0.1:8080/v1/ws",
    as_: Annotated[
        str | None, typer.Option("--as", help="Somebody of `callboard dev`.")
    ] = None,
    token: Annotated[str | None, typer.Option(help="A token, instead.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Talk as somebody, in this terminal."""
    if (as_ is None) == (token is None):
        raise Misused("Say who you are: --as NAME or --token TOKEN, one of the two.")
    run(attach_to(url, token or token_of(str(as_), data_dir)))


def _settings(
    *, host: str | None = None, port: int | None = None, workers: int | None = None
) -> Settings:
    settings = load(host=host, port=port, workers=workers)
    configure(settings)
    return settings


def run_command() -> None:
    """Run the command, and turn what it raises into a sentence and an exit code."""
    # Without these a SIGTERM while starting, or a terminal that is closed, would skip
    # every `finally`.
    signal.signal(signal.SIGTERM, _leave)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # not under nohup
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    try:
        app(prog_name="callboard")
    except REFUSALS as error:
        sys.stderr.write(f"callboard: {error}\n")
        sys.exit(exit_code(error))


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
