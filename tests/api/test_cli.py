"""The command line as people and process managers use it."""

import asyncio
import os
import signal
import socket
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from callboard_client import Socket

from api import example_env
from api.keys import read_span
from api.readiness import wait_for_database
from api.refusals import CannotRun, Misused
from realtime.clock import system_clock
from realtime.settings import load
from realtime.tokens import TokenVerifier
from storage.checkup import Unusable
from storage.embedded import EmbeddedPostgres
from tests.api.programs import ROOT, Program, call, children, wait_until_gone
from tests.conftest import JWT_SECRET
from tests.databases import TestDatabase

NOWHERE = "postgresql://user:the-password@127.0.0.1:1/nothing"


def assert_one_sentence(text: str) -> None:
    assert text.startswith("callboard: ")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    assert "the-password" not in text


@pytest.fixture
def free_port() -> int:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    return port


def test_an_unknown_setting_is_named() -> None:
    done = call("serve", CALLBOARD_PROT="8080")
    assert done.returncode == 2
    assert_one_sentence(done.stderr)
    assert "CALLBOARD_PROT" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "says"),
    [
        (("serve",), {}, 1, "CALLBOARD_DATABASE_URL is not set"),
        (("migrate",), {}, 1, "CALLBOARD_DATABASE_URL is not set"),
        (("migrate",), {"CALLBOARD_DATABASE_URL": NOWHERE}, 1, "does not answer"),
        (
            ("migrate",),
            {"CALLBOARD_DATABASE_URL": "mysql://user:the-password@host/db"},
            1,
            "must begin with postgresql://",
        ),
        (("intake",), {}, 1, "CALLBOARD_MAIL_DOMAIN is not set"),
        (("serve",), {"CALLBOARD_WORKERS": "many"}, 2, "CALLBOARD_WORKERS"),
        (("token", str(uuid4())), {}, 1, "CALLBOARD_JWT_SECRET is not set"),
        (("token", "ada"), {"CALLBOARD_JWT_SECRET": JWT_SECRET}, 2, "UUID"),
        (("attach", "--as", "ada", "--token", "x"), {}, 2, "one of the two"),
        (("attach", "--url", "foo", "--token", "x"), {}, 2, "not an address"),
        (
            ("attach", "--url", "ws://127.0.0.1:1", "--token", "x"),
            {},
            1,
            "Nothing answers",
        ),
    ],
)
def test_a_beginners_mistake_is_one_sentence(
    arguments: tuple[str, ...], settings: dict[str, str], code: int, says: str
) -> None:
    done = call(*arguments, **settings)
    assert done.returncode == code
    assert_one_sentence(done.stderr)
    assert says in done.stderr


def test_the_example_environment_is_written_from_the_settings() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == example_env.render()


def test_the_procfile_names_commands_that_exist() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["release", "web", "worker"]
    for line in lines:
        words = line.partition(":")[2].split()
        assert words[0] == "callboard"
        assert call(words[1], "--help").returncode == 0


def test_it_tells_its_version() -> None:
    done = call("--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "callboard")


async def test_a_database_that_stays_away_is_given_up() -> None:
    settings = load({"CALLBOARD_DATABASE_URL": NOWHERE})
    with pytest.raises(Unusable, match=r"does not answer at 127\.0\.0\.1:1") as refused:
        await wait_for_database(settings, patience=0.3)
    assert "the-password" not in str(refused.value)


async def test_migrating_as_the_owner_lets_the_servers_login_in(
    postgres: EmbeddedPostgres,
) -> None:
    login, name = f"login_{uuid4().hex}", f"test_{uuid4().hex}"
    await asyncio.to_thread(postgres.ensure_login, login)
    await asyncio.to_thread(postgres.ensure_database, name)
    owner, server = postgres.url(name), postgres.url(name, user=login)
    settings = load({"CALLBOARD_DATABASE_URL": server})

    with pytest.raises(CannotRun, match="callboard migrate"):
        await wait_for_database(settings, patience=0)
    for _ in range(2):
        done = call(
            "migrate",
            CALLBOARD_DATABASE_URL=server,
            CALLBOARD_MIGRATE_DATABASE_URL=owner,
        )
        assert (done.returncode, done.stderr) == (0, "")
    await wait_for_database(settings, patience=0)

    done = call("migrate", "--down", "base", CALLBOARD_DATABASE_URL=owner)
    assert done.returncode == 0
    done = call("serve", "--port", "0", CALLBOARD_DATABASE_URL=server)
    assert_one_sentence(done.stderr)
    assert "has no schema yet: run `callboard migrate`" in done.stderr
    assert done.returncode == 1


def test_a_wrong_revision_is_one_sentence(database: TestDatabase) -> None:
    for option in ("--to", "--down"):
        done = call(
            "migrate", option, "nonsense", CALLBOARD_DATABASE_URL=database.admin_url
        )
        assert done.returncode == 1
        assert_one_sentence(done.stderr)


async def test_a_printed_token_is_good() -> None:
    user = uuid4()
    done = call(
        *("token", str(user), "--expires-in", "15m"),
        CALLBOARD_JWT_SECRET=JWT_SECRET,
        CALLBOARD_JWT_AUDIENCE="callboard",
    )
    verifier = TokenVerifier(
        secret=JWT_SECRET,
        public_key=None,
        jwks_url=None,
        audience="callboard",
        issuer=None,
        clock=system_clock,
    )
    claims = await verifier.verify(done.stdout.strip())
    assert claims.user_id == user
    left = claims.expires_at - system_clock()
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "0s", "1y", "99999d", "1.5h"])
def test_a_length_of_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Misused):
        read_span(text)


def test_keys_are_made_listed_and_revoked(database: TestDatabase) -> None:
    settings = {"CALLBOARD_DATABASE_URL": database.url}
    made = call("keys", "create", "billing", "--scope", "users", **settings)
    key = made.stdout.strip()
    assert key.startswith("cbk_")

    listed = call("keys", "list", **settings).stdout
    [line] = [each for each in listed.splitlines() if "billing" in each]
    assert key not in listed
    assert "users" in line

    key_id = line.split()[0]
    assert call("keys", "revoke", key_id, **settings).returncode == 0
    again = call("keys", "revoke", key_id, **settings)
    assert again.returncode == 1
    assert_one_sentence(again.stderr)
    assert call("keys", "create", "x", "--scope", "all", **settings).returncode == 2


def test_a_worker_forgets_and_stops_when_told(database: TestDatabase) -> None:
    with Program("worker", CALLBOARD_DATABASE_URL=database.url) as worker:
        worker.wait_for("working")
        worker.send_signal(signal.SIGTERM)
        assert worker.ends() == 0


def test_a_worker_shows_its_numbers_at_a_port_of_its_own(
    database: TestDatabase, free_port: int
) -> None:
    settings = {
        "CALLBOARD_DATABASE_URL": database.url,
        "CALLBOARD_WORKER_METRICS_PORT": str(free_port),
    }
    with Program("worker", **settings) as worker:
        worker.wait_for("working")
        with httpx.Client(trust_env=False) as http:
            answer = http.get(f"http://127.0.0.1:{free_port}/metrics")
        assert answer.status_code == 200
        assert "callboard_delivery_seconds" in answer.text
        # A second one has no place to show its own, and says so.
        other = call("worker", **settings)
        assert other.returncode == 1
        assert_one_sentence(other.stderr)
        assert f"port {free_port}" in other.stderr
        worker.send_signal(signal.SIGTERM)
        assert worker.ends() == 0


async def test_a_crashed_worker_of_two_is_replaced(
    database: TestDatabase, free_port: int, tmp_path: Path
) -> None:
    with serving(database, free_port, tmp_path) as server:
        before = children(server.pid)
        assert len(before) == 2
        victim = min(before)
        signal_to(victim, signal.SIGKILL)
        server.wait_for("started again")
        server.wait_for("listening")
        after = children(server.pid)
        assert len(after) == 2
        assert victim not in after

        url = f"http://127.0.0.1:{free_port}"
        token = call(
            "token", str(uuid4()), CALLBOARD_JWT_SECRET=JWT_SECRET
        ).stdout.strip()
        for _ in range(4):
            async with await Socket.connect(url, token) as session:
                assert session.hello["session_id"]
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            metrics = (await http.get("/metrics")).text
        # Whichever worker answers, it answers for both.
        assert "callboard_sockets_opened_total 4.0" in metrics
        names = [line for line in metrics.splitlines() if line.startswith("# TYPE")]
        assert len(names) == len(set(names))

        server.send_signal(signal.SIGTERM)
        assert server.ends() == 0
        wait_until_gone([*after])


def test_workers_die_with_who_started_them(
    database: TestDatabase, free_port: int, tmp_path: Path
) -> None:
    with serving(database, free_port, tmp_path) as server:
        workers = children(server.pid)
        server.send_signal(signal.SIGKILL)
        wait_until_gone([*workers])


def test_two_servers_do_not_share_a_port_by_accident(
    database: TestDatabase, free_port: int, tmp_path: Path
) -> None:
    with serving(database, free_port, tmp_path):
        done = call(
            *("serve", "--port", str(free_port), "--workers", "2"),
            CALLBOARD_DATABASE_URL=database.url,
        )
    assert done.returncode == 1
    assert_one_sentence(done.stderr)
    assert f"Port {free_port} is taken" in done.stderr


def serving(database: TestDatabase, port: int, temporary: Path) -> Program:
    server = Program(
        *("serve", "--port", str(port), "--workers", "2"),
        CALLBOARD_DATABASE_URL=database.url,
        CALLBOARD_JWT_SECRET=JWT_SECRET,
        # Who is killed cannot tidy up: what the workers count stays.
        TMPDIR=str(temporary),
    )
    try:
        for _ in range(2):
            server.wait_for('"listening"')
    except BaseException:
        server.__exit__(None, None, None)
        raise
    return server


def signal_to(pid: int, number: signal.Signals) -> None:
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, number)
    finally:
        os.close(descriptor)
