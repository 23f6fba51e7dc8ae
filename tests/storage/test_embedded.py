"""PostgreSQL from a wheel: what it survives, and what it refuses in clear words."""

import asyncio
import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from storage.embedded import EmbeddedPostgres, EmbeddedPostgresError
from storage.embedded_binaries import find_binaries
from storage.embedded_home import Home
from storage.embedded_process import server_account

REPOSITORY = Path(__file__).parents[2]
NOBODY = 65534
IS_ROOT = os.geteuid() == 0
only_for_root = pytest.mark.skipif(not IS_ROOT, reason="root lends other accounts")

START_AND_WAIT = """
import sys
from pathlib import Path
from storage.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), temporary=sys.argv[2] == "temporary") as pg:
    print("runs" if pg.is_owner else "adopted", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory which the server's user can enter, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="callboard-"))
    directory.chmod(0o755)
    yield directory
    for pid in processes_on(directory):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not processes_on(directory))
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def stopped_server() -> Iterator[Path]:
    """The directory of a server with one table, made once: initdb takes a second."""
    with tempfile.TemporaryDirectory(prefix="callboard-") as directory:
        root = Path(directory)
        with EmbeddedPostgres(root) as server:
            ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        yield root


@pytest.fixture
def root(place: Path, stopped_server: Path) -> Path:
    """A copy of a server's directory, with its owners, as a stopped server left it."""
    subprocess.run(["cp", "-a", stopped_server, place / "server"], check=True)
    return place / "server"


def ask(server: EmbeddedPostgres, question: str, **login: str) -> object:
    async def connect_and_ask() -> object:
        connection = await asyncpg.connect(server.url("postgres", **login))
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(connect_and_ask())


def still_has_its_data(server: EmbeddedPostgres) -> bool:
    return ask(server, "SELECT answer FROM kept") == 42


def processes_on(directory: Path) -> list[int]:
    """The living processes whose working directory, as a server's, is in there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(directory):
                found.append(int(process.name))
    return found


def postmaster_of(root: Path) -> int:
    return int((root / "data/postmaster.pid").read_text().split()[0])


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def in_another_process(root: Path, *, temporary: bool = False) -> subprocess.Popen[str]:
    kind = "temporary" if temporary else "durable"
    return subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, root, kind],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def what_it_said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def write_programs(directory: Path, *, initdb: str, postgres: str) -> Path:
    """Stand-ins for PostgreSQL's programs which know their version and one line."""
    directory.mkdir()
    for name, line in (("initdb", initdb), ("postgres", postgres)):
        program = directory / name
        program.write_text(
            f'#!/bin/sh\nif [ "$1" = --version ]; then echo "{name} (PostgreSQL) 18.6"'
            f'\nelse echo "{line}"; exit 1; fi\n'
        )
        program.chmod(0o755)
    return directory


def remove_sockets_outside(root: Path) -> None:
    sockets = Home(root, server_account()).sockets
    assert not sockets.is_relative_to(root)
    sockets.rmdir()  # and so the server had left none


def test_a_stopped_server_leaves_no_process_and_keeps_its_data(root: Path) -> None:
    with EmbeddedPostgres(root) as server:
        assert still_has_its_data(server)
        assert processes_on(root)
    assert processes_on(root) == []
    with EmbeddedPostgres(root) as server:
        assert still_has_its_data(server)


def test_data_survive_the_death_of_every_process(root: Path) -> None:
    server = EmbeddedPostgres(root).start()
    for pid in processes_on(root):
        os.kill(pid, signal.SIGKILL)
    with server:  # the same object, which has yet to notice
        assert still_has_its_data(server)


def test_a_server_starts_again_at_once_when_only_its_postmaster_was_killed(
    root: Path,
) -> None:
    server = EmbeddedPostgres(root).start()
    for _ in range(5):
        os.kill(postmaster_of(root), signal.SIGKILL)
        assert still_has_its_data(server.start())
    server.stop()


def test_a_running_server_is_adopted_and_left_running(root: Path) -> None:
    with EmbeddedPostgres(root) as server:
        with EmbeddedPostgres(root) as adopted:
            assert not adopted.is_owner
            assert still_has_its_data(adopted)
        assert still_has_its_data(server)


def test_a_server_survives_the_process_that_started_it(root: Path) -> None:
    with in_another_process(root) as parent:
        assert what_it_said(parent) == "runs"
        parent.kill()
    with EmbeddedPostgres(root) as adopted:
        assert not adopted.is_owner
        assert still_has_its_data(adopted)


def test_of_three_processes_starting_at_once_one_runs_it(place: Path) -> None:
    with contextlib.ExitStack() as running:
        processes = [
            running.enter_context(in_another_process(place / "new")) for _ in range(3)
        ]
        said = sorted(what_it_said(process) for process in processes)
        assert said == ["adopted", "adopted", "runs"]
        for process in processes:
            process.communicate()  # which closes its input, and it ends
    assert processes_on(place) == []


def test_a_stale_lock_naming_a_living_stranger_is_ignored(root: Path) -> None:
    server = EmbeddedPostgres(root).start()
    pid_file = root / "data/postmaster.pid"
    lock = pid_file.read_text().splitlines()
    for pid in processes_on(root):
        os.kill(pid, signal.SIGKILL)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        lock[0] = str(stranger.pid)
        pid_file.write_text("\n".join(lock))
        (root / "socket/.s.PGSQL.5432.lock").write_text("\n".join(lock))
        with server:
            assert still_has_its_data(server)
        stranger.kill()


def test_a_server_started_by_other_means_is_not_disturbed(root: Path) -> None:
    account = server_account()
    with tempfile.TemporaryDirectory() as elsewhere:
        os.chown(elsewhere, account.uid, account.gid)
        with (root / "by-hand.log").open("wb") as log:
            by_hand = account.spawn(
                [
                    find_binaries(None, account).directory / "postgres",
                    *("-D", root / "data", "-k", elsewhere, "-h", ""),
                ],
                log=log,
            )
        with by_hand:
            wait_until((root / "data/postmaster.pid").exists)
            with pytest.raises(EmbeddedPostgresError, match=f"kill -INT {by_hand.pid}"):
                EmbeddedPostgres(root).start()
            assert by_hand.poll() is None
            by_hand.send_signal(signal.SIGINT)


def test_a_path_too_long_for_a_socket_works(place: Path, root: Path) -> None:
    long = place / ("long-" * 20)
    root.rename(long)
    with EmbeddedPostgres(long) as server:
        assert still_has_its_data(server)
    remove_sockets_outside(long)


def test_a_path_with_odd_characters_works(place: Path, root: Path) -> None:
    odd = place / "a, \"b\" 'c' %d&e=ü"
    root.rename(odd)
    with EmbeddedPostgres(odd) as server:
        assert still_has_its_data(server)
    remove_sockets_outside(odd)


def test_a_temporary_server_dies_with_a_killed_parent_even_when_busy(
    place: Path,
) -> None:
    root = place / "temporary"
    with in_another_process(root, temporary=True) as parent:
        assert what_it_said(parent) == "runs"
        onlooker = EmbeddedPostgres(root).start()

        async def kill_the_parent_under_a_busy_server() -> None:
            connection = await asyncpg.connect(onlooker.url("postgres"))
            endless = connection.execute("DO 'BEGIN LOOP END LOOP; END'")
            running = asyncio.create_task(endless)
            await asyncio.sleep(0)  # let it be sent
            parent.kill()
            with pytest.raises((asyncpg.PostgresError, OSError)):
                await running
            connection.terminate()

        asyncio.run(kill_the_parent_under_a_busy_server())
    wait_until(lambda: not processes_on(place))


def test_a_temporary_server_leaves_nothing_behind(place: Path) -> None:
    with EmbeddedPostgres(place / "temporary", temporary=True) as server:
        assert ask(server, "SHOW fsync") == "off"
    assert list(place.iterdir()) == []


def test_a_temporary_server_refuses_a_directory_with_something_in_it(
    root: Path,
) -> None:
    with pytest.raises(EmbeddedPostgresError, match="is not empty"):
        EmbeddedPostgres(root, temporary=True).start()
    assert (root / "data").is_dir()


def test_settings_reach_the_server(root: Path) -> None:
    with EmbeddedPostgres(root, settings={"max_connections": "7"}) as server:
        assert ask(server, "SHOW max_connections") == "7"
        assert ask(server, "SHOW fsync") == "on"
        assert ask(server, "SHOW listen_addresses") == ""


def test_a_login_has_its_own_password_and_obeys_row_security(root: Path) -> None:
    with EmbeddedPostgres(root) as server:
        password = server.ensure_login("member")
        server.ensure_database("market", owner="member")
        assert server.ensure_login("member") == password
        server.ensure_database("market", owner="member")
        powers = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = user"
        assert ask(server, powers, user="member") is False
        assert server.url("market", user="member").startswith(
            f"postgresql://member:{password}@/market?host="
        )
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(server, "SELECT 1", user="member", password="guessed")
        with pytest.raises(EmbeddedPostgresError, match="No password is kept"):
            server.url("market", user="stranger")
    assert (root / "passwords.json").stat().st_mode & 0o777 == 0o600
    assert (root / "socket").stat().st_mode & 0o777 == 0o700


def test_data_of_another_version_are_not_touched(root: Path) -> None:
    (root / "data/PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedPostgresError, match="was written by PostgreSQL 14"):
        EmbeddedPostgres(root).start()


def test_an_interrupted_creation_is_begun_again(place: Path) -> None:
    (place / "data.new").mkdir()
    (place / "data.new/PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(place) as server:
        assert ask(server, "SHOW server_encoding") == "UTF8"


def test_a_failed_creation_says_why(place: Path) -> None:
    complaint = "initdb: error: could not write: No space left on device"
    programs = write_programs(place / "bin", initdb=complaint, postgres="")
    with pytest.raises(EmbeddedPostgresError, match="No space left on device"):
        EmbeddedPostgres(place / "new", bin_dir=programs).start()
    assert not (place / "new/data").exists()


def test_a_server_that_ends_at_once_says_why_and_names_its_log(root: Path) -> None:
    server = EmbeddedPostgres(root, settings={"max_connections": "many"})
    with pytest.raises(EmbeddedPostgresError, match="max_connections") as failure:
        server.start()
    assert str(root / "postgres.log") in str(failure.value)
    assert not server.is_owner


def test_a_directory_without_programs_is_named(place: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="CALLBOARD_POSTGRES_BIN"):
        EmbeddedPostgres(place, bin_dir=place).start()


def test_a_directory_that_is_a_file_is_refused_in_words(place: Path) -> None:
    (place / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match="cannot use"):
        EmbeddedPostgres(place / "file").start()


@only_for_root
def test_a_directory_behind_a_closed_one_is_refused_with_the_remedy(
    place: Path,
) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match=f"chmod o\\+x {closed}"):
        EmbeddedPostgres(closed / "new").start()
    assert closed.stat().st_mode & 0o777 == 0o700


@only_for_root
def test_it_works_for_an_ordinary_user(place: Path) -> None:
    """Forked rather than executed: nobody else may reach this interpreter."""
    os.chown(place, NOBODY, NOBODY)
    programs = find_binaries(None, server_account()).directory

    def as_nobody() -> None:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        with EmbeddedPostgres(place / "new", bin_dir=programs) as server:
            assert ask(server, "SELECT 1") == 1
            assert (place / "new/data").stat().st_uid == NOBODY

    child = multiprocessing.get_context("fork").Process(target=as_nobody)
    child.start()
    child.join(60)
    assert child.exitcode == 0
