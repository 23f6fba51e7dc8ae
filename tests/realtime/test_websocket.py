"""The WebSocket layer against real sockets: clients that behave, and others."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable

import pytest
from websockets.asyncio.client import connect
from websockets.frames import Close, CloseCode, Opcode
from websockets.http11 import Request, Response

from realtime import websocket
from realtime.frames import DEFLATE, TextFrame
from realtime.websocket import HEARTBEAT_MISSED, SLOW_CONSUMER, Flusher, WebSocket
from realtime.websocket_core import FLOOD
from tests.realtime.raw_socket import RawSocket, frame, head
from tests.waiting import until

MAX_BYTES = 65_536
OUTBOUND_BYTES = 262_144


class Probe(WebSocket):
    """Records what the layer tells it, and does what a test tells it to."""

    def __init__(self, heartbeat_seconds: float, handshake_seconds: float) -> None:
        super().__init__(
            Flusher(),
            max_bytes=MAX_BYTES,
            outbound_bytes=OUTBOUND_BYTES,
            heartbeat_seconds=heartbeat_seconds,
            handshake_seconds=handshake_seconds,
            extensions=[DEFLATE],
        )
        self.texts: list[bytes] = []
        self.lost: list[int] = []
        self.ended = asyncio.Event()
        self.on_each: Callable[[bytes], None] = lambda _: None

    def on_text(self, data: bytes) -> None:
        """Keep it."""
        self.texts.append(data)
        self.on_each(data)

    def on_lost(self, code: int) -> None:
        """Keep the code."""
        self.lost.append(code)
        self.ended.set()

    def say(self, text: str) -> None:
        """Send a text."""
        self.send(TextFrame(text.encode()))


class Door:
    """A listening socket that makes probes."""

    def __init__(self) -> None:
        self.heartbeat_seconds = 30.0
        self.handshake_seconds = 10.0
        self.make: type[Probe] = Probe
        self.port = 0
        self._made: asyncio.Queue[Probe] = asyncio.Queue()
        self._raws: list[RawSocket] = []
        self._ends: list[asyncio.Event] = []

    def new_probe(self) -> Probe:
        """Make the server's side of a connection."""
        probe = self.make(self.heartbeat_seconds, self.handshake_seconds)
        self._made.put_nowait(probe)
        self._ends.append(probe.ended)
        return probe

    async def probe(self) -> Probe:
        """Give the server's side of the oldest connection not asked for yet."""
        return await self._made.get()

    async def connect(self, *, receive_bytes: int | None = None) -> RawSocket:
        """Connect, and no more."""
        raw = await RawSocket.connect(self.port, receive_bytes=receive_bytes)
        self._raws.append(raw)
        return raw

    async def hang_up(self) -> None:
        """Cut every connection and wait until both sides have noticed."""
        for raw in self._raws:
            raw.abort()
            await raw.close()
        for ended in self._ends:
            await ended.wait()

    async def pair(
        self, *lines: str, receive_bytes: int | None = None
    ) -> tuple[RawSocket, Probe]:
        """Open a connection and give both of its ends."""
        raw = await self.connect(receive_bytes=receive_bytes)
        await raw.shake_hands(*lines)
        return raw, await self.probe()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(door.new_probe, "127.0.0.1", 0)
    door.port = server.sockets[0].getsockname()[1]
    yield door
    await door.hang_up()
    server.close()


# --- messages ---------------------------------------------------------------------


async def test_a_message_comes_and_goes(door: Door) -> None:
    raw, probe = await door.pair()
    probe.on_each = lambda data: probe.say(data.decode() + "!")
    raw.send(frame("hello"))
    assert await raw.text() == "hello!"


async def test_fragments_are_joined_around_a_ping(door: Door) -> None:
    raw, probe = await door.pair()
    probe.on_each = lambda _: probe.say("got it")
    raw.send(
        frame("he", fin=False),
        frame(b"p", opcode=Opcode.PING),
        frame(b"llo", opcode=Opcode.CONT),
    )
    pong = await raw.receive()
    assert (pong.opcode, bytes(pong.data)) == (Opcode.PONG, b"p")
    assert await raw.text() == "got it"
    assert probe.texts == [b"hello"]


async def test_a_message_right_before_a_close_is_taken_and_answered(door: Door) -> None:
    raw, probe = await door.pair()
    probe.on_each = lambda _: probe.say("done")
    raw.send(frame("last"), frame(Close(1000, "").serialize(), opcode=Opcode.CLOSE))
    assert await raw.text() == "done"
    assert (await raw.close_frame()).code == 1000
    await raw.close()
    await probe.ended.wait()
    assert probe.lost == [1000]


async def test_a_message_right_before_a_violation_is_taken(door: Door) -> None:
    raw, probe = await door.pair()
    raw.send(frame("good"), b"\x8f\x80")
    assert (await raw.close_frame()).code == CloseCode.PROTOCOL_ERROR
    assert probe.texts == [b"good"]


async def test_nothing_is_taken_after_a_close_of_ours_in_the_same_piece(
    door: Door,
) -> None:
    raw, probe = await door.pair()
    probe.on_each = lambda _: probe.close(4502, "enough")
    raw.send_frames(["one", "two", "three"])
    assert (await raw.close_frame()).code == 4502
    assert probe.texts == [b"one"]
    await raw.close()
    await probe.ended.wait()
    assert probe.lost == [4502]


@pytest.mark.parametrize("size", [MAX_BYTES + 1, MAX_BYTES + 125, 10 * MAX_BYTES])
async def test_a_message_beyond_the_limit_closes_with_1009(
    door: Door, size: int
) -> None:
    raw, probe = await door.pair()
    raw.send(frame("x" * size))
    assert (await raw.close_frame()).code == CloseCode.MESSAGE_TOO_BIG
    assert probe.texts == []


async def test_a_message_beyond_the_limit_in_fragments_closes_with_1009(
    door: Door,
) -> None:
    raw, probe = await door.pair()
    half = "x" * (MAX_BYTES // 2)
    raw.send(
        frame(half, fin=False),
        frame(half.encode(), opcode=Opcode.CONT, fin=False),
        frame(b"x", opcode=Opcode.CONT),
    )
    assert (await raw.close_frame()).code == CloseCode.MESSAGE_TOO_BIG
    assert probe.texts == []


async def test_a_ping_fits_into_a_message_that_fills_the_limit(door: Door) -> None:
    raw, probe = await door.pair()
    probe.on_each = lambda data: probe.say(str(len(data)))
    raw.send(
        frame("x" * (MAX_BYTES - 1), fin=False),
        frame(b"p" * 125, opcode=Opcode.PING),
        frame(b"x", opcode=Opcode.CONT),
    )
    assert (await raw.receive()).opcode is Opcode.PONG
    assert await raw.text() == str(MAX_BYTES)


async def test_a_compressed_message_beyond_the_limit_closes_with_1009(
    door: Door,
) -> None:
    async with connect(f"ws://127.0.0.1:{door.port}/", compression="deflate") as client:
        await client.send("x" * 20 * MAX_BYTES)
        await client.wait_closed()
        assert client.close_code == CloseCode.MESSAGE_TOO_BIG


async def test_what_on_text_raises_closes_with_1011(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    raw, probe = await door.pair()

    def fail(_: bytes) -> None:
        raise ValueError("on purpose")

    probe.on_each = fail
    raw.send(frame("hello"))
    assert (await raw.close_frame()).code == CloseCode.INTERNAL_ERROR
    await raw.close()
    await probe.ended.wait()
    assert "message failed" in caplog.text


async def test_binary_messages_are_refused_unless_asked_for(door: Door) -> None:
    raw, _ = await door.pair()
    raw.send(frame(b"\x00"))
    assert (await raw.close_frame()).code == CloseCode.UNSUPPORTED_DATA


# --- reading no more than can be answered -----------------------------------------


async def test_a_pause_holds_within_what_came_at_once(door: Door) -> None:
    raw, probe = await door.pair()
    probe.on_each = lambda _: probe.pause(is_paused=True)
    count = 20_000
    raw.send_frames(["x" * 20] * count)
    await until(lambda: bool(probe.texts))
    # Turns in which more could be taken, if it were.
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(probe.texts) <= 4096 // 26 + 1
    probe.on_each = lambda _: None
    probe.pause(is_paused=False)
    await until(lambda: len(probe.texts) == count)
    raw.send(frame("and more"))
    await until(lambda: probe.texts[-1] == b"and more")


async def test_a_flood_on_one_socket_leaves_turns_to_the_others(door: Door) -> None:
    raw, probe = await door.pair()
    other, second = await door.pair()
    second.on_each = lambda _: second.say(str(len(probe.texts)))
    count = 30_000
    raw.send_frames(["x"] * count)
    await until(lambda: bool(probe.texts))
    other.send(frame("me too"))
    assert int(await other.text()) < count
    await until(lambda: len(probe.texts) == count)


async def test_a_socket_closed_while_paused_still_sees_the_other_side_go(
    door: Door,
) -> None:
    raw, probe = await door.pair()
    probe.on_each = lambda _: probe.pause(is_paused=True)
    raw.send_frames(["x" * 1000] * 200)
    await until(lambda: bool(probe.texts))
    probe.close(1012, "restarting")
    assert (await raw.close_frame()).code == 1012
    await raw.close()
    async with asyncio.timeout(2):
        await probe.ended.wait()
    assert probe.lost == [1012]


@pytest.mark.parametrize(
    "chatter",
    [
        frame(b"", opcode=Opcode.PING),
        frame(b"", opcode=Opcode.PONG),
        frame(b"", opcode=Opcode.CONT, fin=False),
    ],
    ids=["pings", "pongs", "empty fragments"],
)
async def test_frames_that_say_nothing_are_limited(door: Door, chatter: bytes) -> None:
    raw, _ = await door.pair()
    raw.send(frame("", fin=False), chatter * 2000)
    assert (await raw.close_frame()).code == FLOOD


# --- slow and silent readers ------------------------------------------------------


async def test_who_does_not_read_is_closed_with_4000_and_costs_little(
    door: Door,
) -> None:
    raw, probe = await door.pair(receive_bytes=4096)
    text = "x" * 1000
    sent = most = 0
    while probe.is_open:
        probe.say(text)
        sent += len(text)
        most = max(most, probe.owed_bytes)
        if sent % 20_000 == 0:
            await asyncio.sleep(0)
    assert most <= OUTBOUND_BYTES + 100_000
    assert probe.owed_bytes <= OUTBOUND_BYTES + 100_000
    assert (await raw.close_frame()).code == SLOW_CONSUMER
    await raw.close()
    await probe.ended.wait()
    assert probe.lost == [SLOW_CONSUMER]


async def test_what_is_worth_nothing_later_is_not_kept_for_who_lags(door: Door) -> None:
    _, probe = await door.pair(receive_bytes=4096)
    typing = TextFrame(b"x" * 1000)
    for _ in range(20_000):
        probe.send_if_idle(typing)
        await asyncio.sleep(0)
    assert probe.is_open
    assert probe.owed_bytes <= OUTBOUND_BYTES + 100_000


async def test_who_pings_and_never_reads_is_cut(door: Door) -> None:
    raw, probe = await door.pair(receive_bytes=4096)
    pings = frame(b"p" * 125, opcode=Opcode.PING) * 90
    while not probe.ended.is_set():
        # Some at a time, below the limit for chatter.
        probe.core._chatter = 0
        raw.send(pings)
        await asyncio.sleep(0)
        assert probe._out_bytes <= 3 * OUTBOUND_BYTES
    assert probe.lost == [CloseCode.ABNORMAL_CLOSURE]


async def test_drained_waits_for_the_reader_and_keeps_the_socket_open(
    door: Door,
) -> None:
    raw, probe = await door.pair(receive_bytes=4096)
    count = 5000

    async def send_all() -> None:
        for number in range(count):
            probe.say(f"{number} " + "x" * 1000)
            await probe.drained()
            assert probe.owed_bytes < 300_000

    sending = asyncio.create_task(send_all())
    for number in range(count):
        assert (await raw.text()).startswith(f"{number} ")
    await sending
    assert probe.is_open


async def test_drained_ends_when_the_connection_does(door: Door) -> None:
    raw, probe = await door.pair(receive_bytes=4096)
    probe.say("x" * 8_000_000)
    waiting = asyncio.create_task(probe.drained())
    await until(lambda: probe._resumed is not None)
    raw.abort()
    await waiting


async def test_a_failing_socket_does_not_keep_others_from_being_flushed(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    raw, probe = await door.pair()
    other, second = await door.pair()

    class Broken(Probe):
        def flush(self) -> None:
            raise RuntimeError("on purpose")

    broken = Broken(30, 10)
    broken._transport = probe._transport
    flusher = Flusher()
    second._flusher = flusher
    flusher.add(broken)
    second.say("still here")
    assert await other.text() == "still here"
    assert "flush failed" in caplog.text
    await raw.ended()


async def test_a_silent_client_is_closed_with_4002(door: Door) -> None:
    door.heartbeat_seconds = 0.05
    raw, probe = await door.pair()
    assert (await raw.receive()).opcode is Opcode.PING
    assert (await raw.close_frame()).code == HEARTBEAT_MISSED
    await raw.close()
    await probe.ended.wait()
    assert probe.lost == [HEARTBEAT_MISSED]


async def test_a_client_that_answers_pings_stays(door: Door) -> None:
    door.heartbeat_seconds = 0.05
    raw, probe = await door.pair()
    for _ in range(5):
        assert (await raw.receive()).opcode is Opcode.PING
        raw.send(frame(b"", opcode=Opcode.PONG))
    assert probe.is_open


async def test_a_client_that_is_not_read_is_not_taken_for_silent(door: Door) -> None:
    door.heartbeat_seconds = 0.1
    raw, probe = await door.pair()
    probe.pause(is_paused=True)
    for _ in range(3):
        assert (await raw.receive()).opcode is Opcode.PING
    probe.pause(is_paused=False)
    assert (await raw.receive()).opcode is Opcode.PING


# --- the end ----------------------------------------------------------------------


async def test_who_does_not_answer_a_close_is_cut(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "_CLOSE_SECONDS", 0.1)
    raw, probe = await door.pair()
    probe.close(1001, "going away")
    assert (await raw.close_frame()).code == 1001
    await probe.ended.wait()


async def test_who_pings_on_after_a_close_is_cut(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "_CLOSE_SECONDS", 0.2)
    raw, probe = await door.pair()
    probe.close(1001, "going away")
    while not probe.ended.is_set():
        raw.send(frame(b"", opcode=Opcode.PING))
        await asyncio.sleep(0.01)


async def test_a_close_reaches_a_full_transport_with_what_stands_before_it(
    door: Door,
) -> None:
    raw, probe = await door.pair(receive_bytes=4096)
    while not probe._is_paused:
        probe.say("x" * 1000)
        await asyncio.sleep(0)
    probe.say("owed")
    probe.close(1012, "restarting")
    texts = []
    while (received := await raw.receive()).opcode is Opcode.TEXT:
        texts.append(bytes(received.data))
    assert texts[-1] == b"owed"
    assert Close.parse(received.data).code == 1012
    await raw.close()
    await probe.ended.wait()
    assert probe.lost == [1012]


async def test_after_a_close_nothing_more_is_sent(door: Door) -> None:
    raw, probe = await door.pair()
    probe.say("before")
    probe.close(1000)
    probe.close(1011)
    probe.say("after")
    assert await raw.text() == "before"
    assert (await raw.close_frame()).code == 1000
    await raw.ended()


async def test_half_a_connection_is_answered_and_ended(door: Door) -> None:
    raw, probe = await door.pair()
    probe.on_each = lambda _: probe.say("answer")
    raw.send(frame("question"))
    raw.end()
    assert await raw.text() == "answer"
    await raw.ended()
    await probe.ended.wait()
    assert probe.lost == [CloseCode.ABNORMAL_CLOSURE]


async def test_after_the_end_nothing_is_left(door: Door) -> None:
    raw, probe = await door.pair()
    probe.say("x")
    raw.abort()
    await probe.ended.wait()
    probe.say("y")
    probe.close(1000)
    probe.pause(is_paused=True)
    probe.flush()
    assert probe.lost == [CloseCode.ABNORMAL_CLOSURE]
    assert not probe._out
    gone = weakref.ref(probe)
    del probe
    await until(lambda: gc.collect() >= 0 and gone() is None)


# --- the handshake ----------------------------------------------------------------


async def test_a_handshake_that_does_not_come_is_given_up(door: Door) -> None:
    door.handshake_seconds = 0.1
    raw = await door.connect()
    raw.send(b"GET /v1/ws HTTP/1.1\r\n")
    await raw.ended()
    probe = await door.probe()
    await probe.ended.wait()


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head("X-Long: " + "x" * 9000), "431"),
        (head(*(f"X-{number}: 1" for number in range(200))), "431"),
        (head(path="/" + "x" * 9000), "414"),
        (head("Origin: https://a.example", "Origin: https://b.example"), "400"),
        (head("Sec-WebSocket-Key: AAAA"), "400"),
        (head("Sec-WebSocket-Protocol: ,,;;"), "400"),
        (head().replace(b"13", b"8"), "400"),
        (head().replace(b"GET", b"POST"), "405"),
        (head().replace(b"Upgrade: websocket\r\n", b""), "426"),
    ],
)
async def test_a_bad_handshake_is_refused_in_http(
    door: Door, request_head: bytes, status: str
) -> None:
    raw = await door.connect()
    raw.send(request_head)
    assert (await raw.answer()).startswith(f"HTTP/1.1 {status} ")
    await raw.ended()
    await raw.close()
    probe = await door.probe()
    await probe.ended.wait()


async def test_nonsense_instead_of_a_handshake_is_hung_up_on(door: Door) -> None:
    raw = await door.connect()
    raw.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\n\n")
    await raw.ended()


@pytest.mark.parametrize(
    "early",
    [frame("x"), frame(b"", opcode=Opcode.PING), frame(b"", opcode=Opcode.CLOSE)],
)
async def test_frames_before_the_handshake_is_answered_are_hung_up_on(
    door: Door, early: bytes
) -> None:
    raw = await door.connect()
    raw.send(head(), early)
    assert await raw.answer() == ""
    probe = await door.probe()
    await raw.close()
    await probe.ended.wait()
    assert probe.texts == []


class Failing(Probe):
    """Fails where it is told to."""

    def on_request(self, request: Request) -> Response:
        """Fail for one path."""
        if request.path == "/request":
            raise ValueError("on purpose")
        return super().on_request(request)

    def on_open(self) -> None:
        """Fail."""
        raise ValueError("on purpose")


async def test_a_failure_in_the_handshake_is_answered_with_500(door: Door) -> None:
    door.make = Failing
    raw = await door.connect()
    raw.send(head(path="/request"))
    assert (await raw.answer()).startswith("HTTP/1.1 500 ")
    await raw.ended()
    await raw.close()
    probe = await door.probe()
    await probe.ended.wait()
    assert probe.lost == [CloseCode.ABNORMAL_CLOSURE]


async def test_a_failure_when_opening_closes_with_1011(door: Door) -> None:
    door.make = Failing
    raw, _ = await door.pair()
    assert (await raw.close_frame()).code == CloseCode.INTERNAL_ERROR
    await raw.close()
