"""`callboard dev`: it runs, it talks, it stops, it comes back."""

import json
import re
import shlex
import signal
import smtplib
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from callboard_client import Api, Socket

from realtime import demo
from realtime.tokens import mint
from tests.api.programs import (
    Program,
    call,
    data_directory,
    is_postgres_running,
)

SECRET = "a-secret-of-this-test-0123456789-abcdef"


@dataclass(frozen=True)
class Running:
    """A `callboard dev` that has come up."""

    program: Program
    directory: Path
    url: str

    def token(self, handle: str) -> str:
        """Give the token of somebody of the demonstration."""
        people = json.loads((self.directory / "people.json").read_text())
        return next(str(each["token"]) for each in people if each["handle"] == handle)


def start(program: Program, directory: Path) -> Running:
    url = program.wait_for(r"running at (http://\S+)")[1]
    return Running(program, directory, url)


@pytest.fixture(scope="module")
def dev() -> Iterator[Running]:
    with (
        data_directory() as directory,
        Program(
            *("dev", "--port", "0", "--data-dir", str(directory)),
            CALLBOARD_MAIL_DOMAIN="mail.chat.example",
            CALLBOARD_INTAKE_PORT="0",
        ) as program,
    ):
        yield start(program, directory)


def test_it_takes_mail_beside_where_it_is_told_to(dev: Running) -> None:
    taking = re.compile(r'taking mail.*"port": (\d+)')
    found = taking.search("".join(dev.program.said))
    port = (found or dev.program.wait_for(taking.pattern))[1]
    with smtplib.SMTP("127.0.0.1", int(port), local_hostname="mx") as client:
        client.ehlo()
        client.mail("ada@people.example")
        assert client.rcpt("ada@mail.chat.example")[0] == 550


async def test_two_people_talk_as_soon_as_it_runs(dev: Running) -> None:
    ada = await Socket.connect(dev.url, dev.token("ada"))
    grace = await Socket.connect(dev.url, dev.token("grace"))
    async with ada, grace:
        client_id = str(uuid4())
        answer = await ada.request(
            "message.send",
            to_user_id=str(demo.GRACE.id),
            client_id=client_id,
            body="Hello!",
        )
        heard = await grace.expect(
            "message.created",
            where=lambda event: bool(event["message"]["client_id"] == client_id),
        )
    assert heard["message"]["id"] == answer["message"]["id"]


async def test_a_file_can_be_sent_as_soon_as_it_runs(dev: Running) -> None:
    content = b"%PDF-1.7"
    file = {"name": "cv.pdf", "mime_type": "application/pdf", "size": len(content)}
    ada = {"Authorization": f"Bearer {dev.token('ada')}"}
    grace = {"Authorization": f"Bearer {dev.token('grace')}"}
    async with httpx.AsyncClient(base_url=dev.url) as http:
        talk = {"kind": "direct", "user_ids": [str(demo.GRACE.id)]}
        opened = await http.post("/v1/conversations", json=talk, headers=ada)
        path = f"/v1/conversations/{opened.json()['id']}"
        ticket = (await http.post(f"{path}/uploads", json=file, headers=ada)).json()
        target = ticket["upload"]
        await http.put(target["url"], content=content, headers=target["headers"])
        message = {"client_id": str(uuid4()), "attachments": [ticket["attachment"]]}
        sent = await http.post(f"{path}/messages", json=message, headers=ada)
        assert sent.status_code == 201, sent.text
        found = await http.get(
            ticket["attachment"]["url"], headers=grace, follow_redirects=True
        )
        assert found.content == content
    kept = [path for path in (dev.directory / "uploads").rglob("*") if path.is_file()]
    assert content in [path.read_bytes() for path in kept]


async def test_people_stand_in_every_relation(dev: Running) -> None:
    async with Api(dev.url, dev.token("ada")) as ada:
        links = await ada.connections()
        blocks = await ada.blocks()
    found = {
        (each["requester_id"], each["recipient_id"], each["status"]) for each in links
    }
    assert {
        (str(demo.ADA.id), str(demo.GRACE.id), "accepted"),
        (str(demo.MEI.id), str(demo.ADA.id), "pending"),
        (str(demo.ADA.id), str(demo.TOMAS.id), "pending"),
        (str(demo.IVAN.id), str(demo.ADA.id), "rejected"),
    } <= found
    assert str(demo.NOOR.id) in json.dumps(blocks)


def test_the_line_it_prints_opens_a_session(dev: Running) -> None:
    dev.program.wait_for("second terminal")
    words = shlex.split(dev.program.wait_for(r"\S+ attach .*")[0])
    done = call(*words[words.index("attach") :], typed="@ada Hi there\n\x1b\n/quit\n")
    assert done.stderr == ""
    assert "Connected as Grace Okafor" in done.stdout
    assert "sent, number" in done.stdout


def test_tokens_and_secrets_are_for_their_owner_alone(dev: Running) -> None:
    for name in ("people.json", "jwt-secret"):
        assert stat.S_IMODE((dev.directory / name).stat().st_mode) == 0o600


def test_people_are_shown_to_pages_of_this_machine_only(dev: Running) -> None:
    with httpx.Client(base_url=dev.url, trust_env=False) as http:
        assert len(http.get("/dev/people").json()["items"]) == len(demo.PEOPLE)
        for headers in (
            {"Host": "evil.example"},
            {"Host": f"evil.example:{http.base_url.port}"},
            {"Host": "127.0.0.1.evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"X-Forwarded-For": "203.0.113.7"},
        ):
            assert http.get("/dev/people", headers=headers).status_code == 404, headers


def test_the_page_and_all_that_it_loads_are_there(dev: Running) -> None:
    with httpx.Client(base_url=dev.url, trust_env=False) as http:
        page = http.get("/")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        scripts = re.findall(r'src="(/assets/[^"]+)"', page.text)
        assert scripts
        for path in (*scripts, "/assets/callboard-chat.js", "/callboard-sw.js"):
            script = http.get(path)
            assert script.status_code == 200, path
            assert script.headers["content-type"].startswith("text/javascript")


def test_a_second_one_is_kept_out_of_the_directory(dev: Running) -> None:
    done = call("dev", "--port", "0", "--data-dir", str(dev.directory))
    assert done.returncode == 1
    assert "Another `callboard dev`" in done.stderr
    assert is_postgres_running(dev.directory)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with data_directory() as directory, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = call("dev", "--port", str(port), "--data-dir", str(directory))
        assert not is_postgres_running(directory)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"Port {port} is taken" in done.stderr


def test_a_directory_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    taken = tmp_path / "data"
    taken.write_text("")
    done = call("dev", "--port", "0", "--data-dir", str(taken))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "--data-dir" in done.stderr


async def test_it_stops_on_ctrl_c_and_comes_back_after_sigkill() -> None:
    with data_directory() as directory:
        arguments = ("dev", "--port", "0", "--data-dir", str(directory))
        with Program(*arguments) as program:
            first = start(program, directory)
            token = first.token("ada")
            async with await Socket.connect(first.url, token) as ada:
                sent = await ada.request(
                    "message.send",
                    to_user_id=str(demo.GRACE.id),
                    client_id=str(uuid4()),
                    body="Kept",
                )
            program.send_signal(signal.SIGKILL)
            program.ends()
        assert is_postgres_running(directory)

        with Program(*arguments) as program:
            second = start(program, directory)
            async with Api(second.url, token) as ada_again:
                page = await ada_again.messages(sent["message"]["conversation_id"])
            assert [each["body"] for each in page["items"]].count("Kept") == 1
            assert len(page["items"]) == sent["message"]["seq"]
            program.send_signal(signal.SIGINT)
            assert program.ends() == 0
        assert not is_postgres_running(directory)


async def test_it_honours_the_settings_of_the_server() -> None:
    key = "cbk_the-key-of-this-test-0123456789"
    with (
        data_directory() as directory,
        Program(
            *("dev", "--port", "0", "--data-dir", str(directory)),
            CALLBOARD_JWT_SECRET=SECRET,
            CALLBOARD_JWT_ISSUER="https://issuer.example",
            CALLBOARD_BOOTSTRAP_KEY=key,
        ) as program,
    ):
        running = start(program, directory)
        own = mint(
            SECRET,
            uuid4(),
            timedelta(minutes=5),
            now=datetime.now(UTC),
            issuer="https://issuer.example",
        )
        for token in (own, running.token("grace")):
            async with await Socket.connect(running.url, token) as session:
                assert session.hello["user_id"]
        async with httpx.AsyncClient(base_url=running.url, trust_env=False) as http:
            answer = await http.put(
                f"/v1/platform/users/{uuid4()}",
                json={"display_name": "New"},
                headers={"Authorization": f"Bearer {key}"},
            )
        assert answer.status_code == 200
        assert not (directory / "jwt-secret").exists()
        program.send_signal(signal.SIGTERM)
        assert program.ends() == 0
        assert not is_postgres_running(directory)
