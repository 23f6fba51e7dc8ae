"""What the doctor finds in set-ups that are well and in others."""

import socket
from uuid import uuid4

import asyncpg
import pytest

from api.doctor import Finding, diagnose
from tests.api.programs import call
from tests.conftest import JWT_SECRET
from tests.databases import LOGIN, TestDatabase
from tests.services import ValkeyServer

GOOD = {"CALLBOARD_JWT_SECRET": JWT_SECRET, "CALLBOARD_PORT": "0"}


async def finding(environment: dict[str, str], word: str) -> Finding:
    found = await diagnose(environment)
    [one] = [each for each in found if word in each.says]
    return one


async def wrongs(environment: dict[str, str]) -> list[str]:
    return [each.says for each in await diagnose(environment) if each.level == "wrong"]


async def test_nothing_is_wrong_with_a_good_set_up(
    database: TestDatabase, valkey_server: ValkeyServer
) -> None:
    environment = GOOD | {
        "CALLBOARD_DATABASE_URL": database.url,
        "CALLBOARD_REDIS_URL": valkey_server.url,
    }
    assert await wrongs(environment) == []
    done = call("doctor", **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing is wrong." in done.stdout


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"CALLBOARD_DATABSE_URL": "x"}, "CALLBOARD_DATABSE_URL"),
        ({"CALLBOARD_WORKERS": "0"}, "CALLBOARD_WORKERS"),
        ({"CALLBOARD_DATABASE_URL": ""}, "no database"),
        (
            {"CALLBOARD_DATABASE_URL": "postgresql://u:the-password@127.0.0.1:1/x"},
            "does not answer",
        ),
        ({"CALLBOARD_DATABASE_URL": "mysql://u:the-password@h/x"}, "database URL"),
        ({"CALLBOARD_REDIS_URL": "redis://:the-password@127.0.0.1:1/0"}, "Redis"),
        ({"CALLBOARD_REDIS_URL": "http://:the-password@127.0.0.1:1/0"}, "Redis"),
        ({"CALLBOARD_JWT_SECRET": ""}, "No user can prove"),
        ({"CALLBOARD_JWT_SECRET": "the-password"}, "shorter than 32 bytes"),
        ({"CALLBOARD_JWT_JWKS_URL": "http://127.0.0.1:1/keys"}, "signing keys"),
    ],
)
async def test_what_is_wrong_is_found_and_has_a_remedy(
    settings: dict[str, str], says: str
) -> None:
    found = await diagnose(GOOD | settings)
    [one] = [each for each in found if says in each.says]
    assert one.level == "wrong"
    assert one.remedy
    assert "the-password" not in "".join(each.says + each.remedy for each in found)


async def test_an_unknown_setting_does_not_hide_what_else_is_wrong() -> None:
    found = await wrongs({"CALLBOARD_PROT": "1"})
    assert any("CALLBOARD_PROT" in each for each in found)
    assert any("no database" in each for each in found)


async def test_a_port_that_is_taken_is_found() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        one = await finding(GOOD | {"CALLBOARD_PORT": port}, f"Port {port}")
    assert one.level == "wrong"


async def test_a_login_with_too_much_power_is_a_warning(database: TestDatabase) -> None:
    one = await finding(
        GOOD | {"CALLBOARD_DATABASE_URL": database.admin_url}, "superuser"
    )
    assert one.level == "warning"


async def test_a_schema_of_another_release_is_told(database: TestDatabase) -> None:
    environment = GOOD | {"CALLBOARD_DATABASE_URL": database.url}
    owner = await asyncpg.connect(database.admin_url)
    try:
        await owner.execute(
            "UPDATE callboard.alembic_version SET version_num = 'from_the_future'"
        )
        assert (await finding(environment, "newer")).level == "wrong"
        await owner.execute("DROP SCHEMA callboard CASCADE")
        assert (await finding(environment, "no schema")).level == "wrong"
    finally:
        await owner.close()


async def test_a_database_with_another_password_refuses(database: TestDatabase) -> None:
    wrong = f"the-wrong-{uuid4().hex}"
    url = database.url.replace(
        database.url.partition(f"{LOGIN}:")[2].partition("@")[0], wrong
    )
    found = await diagnose(GOOD | {"CALLBOARD_DATABASE_URL": url})
    [one] = [each for each in found if "password authentication failed" in each.says]
    assert one.level == "wrong"
    assert wrong not in "".join(each.says + each.remedy for each in found)
