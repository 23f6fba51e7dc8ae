"""`callboard dev`: everything in one process, with a database of its own and people."""

import asyncio
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from pydantic import SecretStr

from api.chat_files import shipped
from api.dev_home import DevHome, DevPerson, default_directory
from api.dev_page import add_dev_page
from api.intake import listen_for_mail, take_mail_beside
from api.refusals import CannotRun
from api.server import listen
from api.serving import address_of, run, serve_until_signal, start_listening
from realtime import demo
from realtime.clock import system_clock
from realtime.errors import Conflict
from realtime.node import Node
from realtime.settings import Settings
from realtime.tokens import mint
from realtime.worker import Worker
from storage.checkup import explained, login_of
from storage.embedded import EmbeddedPostgres
from storage.embedded_orphan import stop_orphan
from storage.migrate import migrate

_DATABASE = "callboard"
_SERVER_LOGIN = "callboard_server"
_TOKENS_LAST = timedelta(days=30)
# initdb writes 40 MB; with less than this left even the log could not be kept.
_BYTES_NEEDED = 200_000_000


def develop(settings: Settings, directory: Path | None) -> None:
    """
    Run until a signal comes, then stop everything that was started.

    Raises:
        CannotRun, CannotListen, Unusable, EmbeddedPostgresError: It cannot run here.
    """
    shipped().require()
    home = DevHome(directory or default_directory())
    # The address first: who mistyped the port should not wait for a database.
    with listen(settings.host, settings.port) as listener:
        start_listening(listener)
        with home.taken(), _database(settings, home) as (owner_url, server_url):
            settings = settings.model_copy(
                update={
                    "database_url": SecretStr(server_url),
                    "jwt_secret": settings.jwt_secret or SecretStr(home.jwt_secret()),
                    "public_url": settings.public_url or address_of(listener),
                    "uploads_directory": settings.uploads_directory
                    or (None if settings.s3_bucket else home.uploads),
                    "mail_directory": settings.mail_directory or home.mail,
                    # Who tries webhooks out has their receiver here.
                    "webhook_hosts": settings.webhook_hosts
                    or ("127.0.0.1", "localhost", "[::1]"),
                }
            )
            grant_to = login_of(server_url)
            with explained(owner_url):
                asyncio.run(
                    migrate(
                        owner_url,
                        grant_to=""
                        if grant_to in (None, login_of(owner_url))
                        else str(grant_to),
                    )
                )
            people = _people(settings)
            home.write_people(people)

            async def prepare(node: Node, app: FastAPI) -> None:
                try:
                    await demo.seed(node)
                except Conflict as error:
                    raise CannotRun(
                        "The people of the demonstration cannot be made in this"
                        f" database: {error} Use another database."
                    ) from None
                add_dev_page(app, people, shipped(), str(settings.public_url))
                # One process is everything here.
                node.run_along(
                    Worker(settings, node.database, presence=node.presence).work()
                )
                if settings.intake_port is not None and settings.mail_domain:
                    node.run_along(take_mail_beside(node, listen_for_mail(settings)))

            def announce() -> None:
                _announce(address_of(listener), people, directory)

            run(serve_until_signal(settings, listener, prepare=prepare, ready=announce))


@contextmanager
def _database(settings: Settings, home: DevHome) -> Iterator[tuple[str, str]]:
    """Lend a database: the address for who owns it, and the server's own."""
    if settings.database_url is not None:
        given = settings.database_url.get_secret_value()
        owner = settings.migrate_database_url
        yield (owner.get_secret_value() if owner else given), given
        return
    if shutil.disk_usage(home.directory).free < _BYTES_NEEDED:
        raise CannotRun(
            f"The disk of {home.directory} is full: free 200 MB, or choose another"
            " directory with --data-dir."
        )
    postgres = EmbeddedPostgres(home.postgres, bin_dir=settings.postgres_bin)
    postgres.start()
    try:
        postgres.ensure_database(_DATABASE)
        postgres.ensure_login(_SERVER_LOGIN)
        yield postgres.url(_DATABASE), postgres.url(_DATABASE, user=_SERVER_LOGIN)
    finally:
        # It takes a moment, and who is impatient would leave it running.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if postgres.is_owner:
            postgres.stop()
        else:
            # Left by a run that was killed; nobody else is let into this directory.
            stop_orphan(home.postgres)


def _people(settings: Settings) -> list[DevPerson]:
    assert settings.jwt_secret is not None  # noqa: S101 - made above where missing
    secret = settings.jwt_secret.get_secret_value()
    now = system_clock()
    try:
        return [
            DevPerson(
                id=str(person.id),
                handle=person.handle,
                name=person.name,
                headline=person.headline,
                token=mint(
                    secret,
                    person.id,
                    _TOKENS_LAST,
                    now=now,
                    name=person.name,
                    audience=settings.jwt_audience,
                    issuer=settings.jwt_issuer,
                ),
            )
            for person in demo.PEOPLE
        ]
    except ValueError as error:
        raise CannotRun(f"{error} Correct CALLBOARD_JWT_SECRET.") from None


def _announce(address: str, people: list[DevPerson], directory: Path | None) -> None:
    socket_url = f"ws{address.removeprefix('http')}/v1/ws"
    attach = [*_own_command(), "attach", "--url", socket_url, "--as", "grace"]
    if directory is not None:
        attach += ["--data-dir", str(directory.absolute())]
    lines = [
        "",
        f"  Callboard is running at {address}",
        "",
        "  People, and a token for each (30 days):",
        *(f"    {each.name} ({each.handle})\n      {each.token}" for each in people),
        "",
        "  Talk as one of them in a second terminal:",
        f"    {shlex.join(attach)}",
        "",
        "  Ctrl-C stops everything; what was written stays.",
        "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _own_command() -> list[str]:
    """Name this program so that a second terminal, elsewhere, finds it."""
    script = Path(sys.executable).with_name("callboard")
    if not script.exists():
        return [sys.executable, "-m", "api.cli"]
    found = shutil.which("callboard")
    is_on_path = found is not None and Path(found).samefile(script)
    return ["callboard" if is_on_path else str(script)]
