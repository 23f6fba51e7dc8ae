"""Calls to addresses that others have chosen reach nothing that is only ours."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from realtime.outgoing import Hosts, NotPublic, is_public, public_client

TIMEOUT = httpx.Timeout(5)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "3fff::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "localhost",
        "",
    ],
)
def test_no_address_of_a_network_of_ones_own_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101"],
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/in",
        "ftp://hooks.example/in",
        "https://",
        "https:///in",
        "hooks.example/in",
        "https://127.0.0.1/in",
        "https://[::1]/in",
        "https://[::ffff:10.0.0.1]/in",
        "https://169.254.169.254/latest/meta-data",
        "https://somebody:secret@hooks.example/in",
        "https://somebody@hooks.example/in",
        "https://hooks.example/in#part",
        "https://hooks.example\\@evil.example/in",
        "https://hooks.example:0/in",
        "https://hooks.example:99999/in",
        "https://hooks.example/in\r\nHost: evil",
        "https://hooks.example/a b",
        "https://hooks.example/" + "a" * 2048,
        "https://h[oo]ks.example/",
    ],
)
def test_an_address_that_cannot_be_meant_is_not_kept(url: str) -> None:
    with pytest.raises(ValueError, match="must"):
        Hosts().check(url)


def test_hosts_of_the_operator_are_exempt_at_their_port() -> None:
    Hosts().check("https://hooks.example/in?token=1")
    Hosts().check("https://hooks.example:8443/in")
    Hosts(["127.0.0.1:9000"]).check("http://127.0.0.1:9000/in")
    Hosts(["Internal"]).check("http://internal:81/in")
    Hosts(["[::1]:9000"]).check("http://[::1]:9000/in")
    for url in ("http://127.0.0.1:9001/in", "http://127.0.0.1/in"):
        with pytest.raises(ValueError, match="https"):
            Hosts(["127.0.0.1:9000"]).check(url)


@asynccontextmanager
async def _listening() -> AsyncIterator[tuple[int, list[bytes]]]:
    heard: list[bytes] = []

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /other\r\n")
        writer.write(b"Content-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], heard


def _resolver(
    names: Mapping[str, Sequence[str]], asked: list[str]
) -> Callable[..., Any]:
    async def getaddrinfo(host: str, port: int, **_options: object) -> object:
        asked.append(host)
        if host not in names:
            raise socket.gaierror("no such name")
        kind = socket.SOCK_STREAM
        return [(socket.AF_INET, kind, 6, "", (ip, port)) for ip in names[host]]

    return getaddrinfo


async def test_what_a_name_leads_to_decides_at_the_moment_of_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    names = {
        "inside.example": ["127.0.0.1"],
        "both.example": ["93.184.216.34", "10.0.0.7"],
        "many.example": [f"93.184.216.{last}" for last in range(9)] + ["::1"],
        "ours.example": ["127.0.0.1"],
    }
    async with _listening() as (port, heard):
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "getaddrinfo", _resolver(names, asked))
        async with public_client([f"ours.example:{port}"], timeout=TIMEOUT) as http:
            for host in ("inside.example", "both.example", "many.example"):
                with pytest.raises(NotPublic):
                    await http.post(f"http://{host}:{port}/in")
            with pytest.raises(httpx.ConnectError):
                await http.post(f"http://nowhere.example:{port}/in")
            with pytest.raises(httpx.ConnectError):
                await http.post(f"http://ours.example:{port + 1 or 1}/in")
            assert heard == []

            asked.clear()
            answer = await http.post(f"http://ours.example:{port}/in", content=b"{}")
        # Not followed, and looked up once: where it leads cannot change in between.
        assert (answer.status_code, answer.text) == (302, "ok")
        assert asked == ["ours.example"]
        (request,) = heard
        assert request.startswith(b"POST /in HTTP/1.1\r\n")
        assert f"Host: ours.example:{port}\r\n".encode() in request


async def test_who_does_not_answer_is_not_waited_for() -> None:
    with socket.socket() as full:
        # Nobody accepts: what is sent waits for an answer that does not come.
        full.bind(("127.0.0.1", 0))
        full.listen(1)
        port = full.getsockname()[1]
        brief = httpx.Timeout(0.05)
        async with public_client(["127.0.0.1"], timeout=brief) as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.post(f"http://127.0.0.1:{port}/in")
