"""Whatever a client sends: the answer, or the close code, of the contract."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest
from callboard_client import ConnectionLost, Socket
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from websockets.frames import CloseCode, Opcode

from realtime.errors import REFUSALS
from realtime.protocol import COMMANDS, FRAME_BYTES
from storage.records import ConversationId
from tests.conftest import Served
from tests.factories import Person, make_pair
from tests.realtime.hostile import FIELDS, Json, bad_forms, good
from tests.realtime.raw_socket import RawSocket, frame

Pair = tuple[Person, Person, ConversationId]

CODES = {problem.code for problem in REFUSALS} - {"internal"}


class Session:
    """Somebody's socket, on which anything may be sent."""

    def __init__(self, socket: Socket, conversation: ConversationId) -> None:
        self.socket = socket
        self.conversation = conversation

    async def ask(self, frame_sent: Json | str) -> Json:
        """Send a frame and give the next reply."""
        text = frame_sent if isinstance(frame_sent, str) else written(frame_sent)
        await self.socket.send_raw(text)
        return await self.reply()

    async def reply(self) -> Json:
        """Give the next reply, well-formed."""
        async for event in self.socket.events():
            if event["type"] in {"ok", "error"}:
                return checked(cast("Json", event))
        raise AssertionError("events end by raising")

    async def refused(self, frame_sent: Json | str, code: str = "invalid") -> Json:
        """Send a frame that is refused, and see that the session lives on."""
        reply = await self.ask(frame_sent)
        assert reply["type"] == "error", (frame_sent, reply)
        assert reply["error"]["code"] == code, (frame_sent, reply)
        alive = await self.ask({"id": "alive?", "type": "ping"})
        assert (alive["type"], alive["id"]) == ("ok", "alive?")
        return reply


def written(value: object) -> str:
    """Write JSON as UTF-8 can have it, and escaped where it cannot."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def checked(reply: Json) -> Json:
    """See that a reply has the shape of the contract."""
    if reply["type"] == "ok":
        assert reply.keys() == {"type", "id", "data"}
        assert isinstance(reply["data"], dict)
    else:
        assert reply.keys() == {"type", "id", "error"}
        error = reply["error"]
        assert error.keys() == {"code", "message", "retry", "retry_after_ms", "details"}
        assert error["code"] in CODES
        assert isinstance(error["message"], str)
        assert isinstance(error["details"], dict)
    return reply


@asynccontextmanager
async def greeted(server: Served, person: Person) -> AsyncIterator[RawSocket]:
    """A socket without manners that has been greeted."""
    raw = await RawSocket.open(server.port, f"Authorization: Bearer {person.token}")
    try:
        assert json.loads(await raw.text())["type"] == "hello"
        yield raw
    finally:
        raw.abort()
        await raw.close()


@pytest.fixture
async def pair(server: Served) -> Pair:
    """Two connected people."""
    return await make_pair(server.node)


@pytest.fixture
async def session(server: Served, pair: Pair) -> AsyncIterator[Session]:
    """The first of the two, on a socket."""
    ada, _, conversation = pair
    async with await Socket.connect(server.url, ada.token) as socket:
        yield Session(socket, conversation)


@pytest.fixture
async def raw(server: Served, pair: Pair) -> AsyncIterator[RawSocket]:
    """The first of the two, on a socket without manners, greeted."""
    ada, _, _ = pair
    async with greeted(server, ada) as raw:
        yield raw


# --- data -------------------------------------------------------------------------


def test_every_command_is_tested() -> None:
    assert FIELDS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("kind", FIELDS)
async def test_wrong_data_is_refused_by_field_and_the_session_lives_on(
    session: Session, kind: str
) -> None:
    for number, (field, data) in enumerate(bad_forms(kind, session.conversation)):
        sent = {"id": number, "type": kind, "data": data}
        if len(json.dumps(sent)) > FRAME_BYTES:
            continue
        reply = await session.ask(sent)
        assert reply["id"] == number
        assert reply["type"] == "error", sent
        assert reply["error"]["code"] == "invalid", (field, data, reply)
        named = [problem["field"] for problem in reply["error"]["details"]["fields"]]
        # A whole that contradicts itself names no field of its own.
        assert any(name.startswith(field) or not name for name in named), (sent, reply)
        assert all(len(name) <= 100 for name in named)
    assert (await session.ask({"id": "x", "type": "ping"}))["type"] == "ok"


NO_DATA: list[Any] = [None, [], "x", 1, True]


async def test_data_that_is_no_object_is_refused(session: Session) -> None:
    for kind in COMMANDS:
        for data in NO_DATA:
            reply = await session.refused({"id": 1, "type": kind, "data": data})
            assert reply["id"] == 1


async def test_a_command_in_the_right_shape_is_never_called_invalid(
    session: Session,
) -> None:
    for kind in FIELDS:
        data = good(kind, session.conversation)
        reply = await session.ask({"id": kind, "type": kind, "data": data})
        assert reply["id"] == kind
        if reply["type"] == "error":
            assert reply["error"]["code"] in {"not_found", "unauthenticated"}, reply


async def test_both_addresses_or_none_are_refused(session: Session) -> None:
    data = good("message.send", session.conversation)
    both = {**data, "to_user_id": data["client_id"]}
    none = {key: data[key] for key in data if key != "conversation_id"}
    for wrong in (both, none, {**none, "conversation_id": None, "to_user_id": None}):
        await session.refused({"id": 1, "type": "message.send", "data": wrong})


UNUSUAL_TEXTS = [
    "\u0001\u0007\u001b[31m\u007f",
    "\u202e\u2066\ufeff\ufffe\uffff",
    "'; DROP TABLE messages; --",
    "<script>alert(1)</script>",
    "%s %n {0} $1 \\",
    "𝄞" * 8000,
    "é" * 4000 + "e\u0301" * 2000,
]


async def test_unusual_text_comes_back_as_it_was_sent(session: Session) -> None:
    for body in UNUSUAL_TEXTS:
        data = {**good("message.send", session.conversation), "body": body}
        reply = await session.ask({"id": 1, "type": "message.send", "data": data})
        assert reply["data"]["message"]["body"] == body


# --- envelope ---------------------------------------------------------------------

NO_IDS: list[Any] = [
    None,
    True,
    False,
    1.0,
    "",
    "x" * 65,
    "\ud800",
    [],
    [1],
    {},
    2**64,
    -(2**70),
]
IDS = [0, -1, 2**53, "x" * 64, "𝄞" * 64, " ", "\n", "\u0000", "null"]
NO_TYPES: list[Any] = [
    None,
    1,
    True,
    [],
    {},
    "",
    "nonsense",
    "Ping",
    "ping ",
    "hello",
    "x" * 9999,
]


async def test_an_id_that_is_none_is_refused_without_one(session: Session) -> None:
    for reference in NO_IDS:
        reply = await session.refused({"id": reference, "type": "ping"})
        assert reply["id"] is None, reference
    assert (await session.refused({"type": "ping"}))["id"] is None


async def test_an_unusual_id_comes_back_as_it_was_sent(session: Session) -> None:
    for reference in IDS:
        reply = await session.ask({"id": reference, "type": "ping"})
        assert (reply["type"], reply["id"]) == ("ok", reference)


async def test_an_unknown_type_is_refused(session: Session) -> None:
    for kind in NO_TYPES:
        assert (await session.refused({"id": 1, "type": kind}))["id"] == 1
    assert (await session.refused({"id": 1}))["id"] == 1


async def test_surplus_fields_are_refused(session: Session) -> None:
    for surplus in ("at", "error", "x" * 1000, "\u0000"):
        sent = {"id": 2, "type": "ping", surplus: 1}
        assert (await session.refused(sent))["id"] == 2


async def test_an_id_under_way_is_refused_and_the_first_answered(
    raw: RawSocket,
) -> None:
    raw.send_frames(['{"id": 5, "type": "ping"}'] * 2)
    replies = [json.loads(await raw.text()) for _ in range(2)]
    assert {checked(reply)["type"]: reply["id"] for reply in replies} == {
        "error": 5,
        "ok": 5,
    }
    raw.send_frames(['{"id": 5, "type": "ping"}'])
    assert json.loads(await raw.text())["type"] == "ok"


async def test_ids_of_different_types_are_different_ids(raw: RawSocket) -> None:
    raw.send_frames(['{"id": 5, "type": "ping"}', '{"id": "5", "type": "ping"}'])
    replies = [json.loads(await raw.text()) for _ in range(2)]
    assert [(reply["type"], reply["id"]) for reply in replies] == [
        ("ok", 5),
        ("ok", "5"),
    ]


# --- JSON -------------------------------------------------------------------------


NOT_FOR_EVERY_READER = [
    '"\\ud800"',
    '"\\udc00\\ud800"',
    "NaN",
    "-Infinity",
    "1e999",
    "9" * 5000,
    "-" + "9" * 5000,
]


async def test_json_that_not_every_reader_takes_is_refused_by_its_id(
    session: Session,
) -> None:
    for value in NOT_FOR_EVERY_READER:
        for data in (f'{{"body": {value}}}', f'{{"metadata": {{"a": [{value}]}}}}'):
            sent = f'{{"id": 1, "type": "message.send", "data": {data}}}'
            assert (await session.refused(sent))["id"] == 1
        sent = f'{{"id": {value}, "type": "ping"}}'
        assert (await session.refused(sent))["id"] is None


async def test_of_a_name_that_is_repeated_the_last_counts(session: Session) -> None:
    reply = await session.ask('{"id": 1, "id": 2, "type": "x", "type": "ping"}')
    assert (reply["type"], reply["id"]) == ("ok", 2)


NO_OBJECTS = [
    "",
    " ",
    "null",
    "1",
    '"ping"',
    "[]",
    '[{"id": 1, "type": "ping"}]',
    "{",
    '{"id": 1, "type": "ping"} {}',
    '{"id": 1, "type": "ping",}',
    "{'id': 1, 'type': 'ping'}",
    '\ufeff{"id": 1, "type": "ping"}',
    '{"id": 1, "type": "ping"}\u0000',
    "[" * 60_000,
    '{"id": 1, "data": ' * 3000,
    # Deeper than any reader goes.
    '{"id": 1, "type": "ping", "data": {"a": ' + "[" * 9000 + "]" * 9000 + "}}",
]


async def test_a_frame_that_is_no_object_closes_with_4502(
    server: Served, pair: Pair
) -> None:
    for text in NO_OBJECTS:
        socket = await Socket.connect(server.url, pair[0].token)
        await socket.send_raw(text)
        assert (await socket.wait_closed()).code == 4502, text[:50]


async def test_a_text_that_is_not_utf_8_closes_with_1007(
    server: Served, pair: Pair
) -> None:
    for data in (b"\xff", b'{"id": 1, "type": "\xed\xa0\x80"}', b"\xf8", b"{\xc3"):
        async with greeted(server, pair[0]) as raw:
            raw.send(frame(data, opcode=Opcode.TEXT))
            assert (await raw.close_frame()).code == CloseCode.INVALID_DATA


async def test_a_binary_frame_closes_with_1003(session: Session) -> None:
    await session.socket.send_raw(b'{"id": 1, "type": "ping"}')
    assert (await session.socket.wait_closed()).code == CloseCode.UNSUPPORTED_DATA


async def test_a_frame_as_large_as_may_be_is_read(session: Session) -> None:
    sent = '{"id": 1, "type": "ping"' + " " * (FRAME_BYTES - 25) + "}"
    assert len(sent) == FRAME_BYTES
    assert (await session.ask(sent))["type"] == "ok"


async def test_a_larger_frame_closes_with_1009(session: Session) -> None:
    sent = '{"id": 1, "type": "ping"' + " " * (FRAME_BYTES - 24) + "}"
    await session.socket.send_raw(sent)
    assert (await session.socket.wait_closed()).code == CloseCode.MESSAGE_TOO_BIG


async def test_fragments_may_be_cut_within_a_character(raw: RawSocket) -> None:
    text = '{"id": "𝄞", "type": "ping"}'.encode()
    cut = text.index(b"\xf0") + 2
    raw.send(
        frame(text[:cut], opcode=Opcode.TEXT, fin=False),
        frame(b"", opcode=Opcode.CONT, fin=False),
        frame(text[cut:], opcode=Opcode.CONT),
    )
    assert json.loads(await raw.text())["id"] == "𝄞"


# --- too much ---------------------------------------------------------------------


async def test_a_flood_of_mistakes_closes_with_4502(session: Session) -> None:
    for _ in range(1000):
        if session.socket.close_code is not None:
            break
        with suppress(ConnectionLost):
            await session.ask({"id": 1, "type": "nonsense"})
    assert session.socket.close_code == 4502


async def test_many_commands_at_once_are_all_answered_in_order_and_in_bounds(
    server: Served, raw: RawSocket
) -> None:
    count = 3000
    (client,) = server.node.hub
    most = 0
    raw.send_frames([f'{{"id": {n}, "type": "ping"}}' for n in range(count)])
    for number in range(count):
        assert json.loads(await raw.text())["id"] == number
        most = max(most, len(cast("Any", client)._in_flight))
    assert most < 64 + 4096 // 30


async def test_commands_before_hello_are_answered_after_it_in_order(
    server: Served, pair: Pair
) -> None:
    ada, _, _ = pair
    raw = await RawSocket.open(server.port)
    auth = {"id": "auth", "type": "auth", "data": {"token": ada.token}}
    count = 1000
    raw.send_frames(
        [json.dumps(auth), *(f'{{"id": {n}, "type": "ping"}}' for n in range(count))]
    )
    assert json.loads(await raw.text())["id"] == "auth"
    assert json.loads(await raw.text())["type"] == "hello"
    for number in range(count):
        assert json.loads(await raw.text())["id"] == number
    await raw.close()


# --- anything ---------------------------------------------------------------------

anything = profile(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.uuids().map(str),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def distorted_commands(draw: st.DrawFn) -> Json:
    """A command with some of its parts replaced, left out or added."""
    kind = draw(st.sampled_from(sorted(COMMANDS)))
    known = FIELDS.get(kind, {})
    # Conversations and people that nobody knows, so that nothing is changed.
    data: Json = good(kind, draw(st.uuids())) if known else {}
    for field in draw(st.lists(st.sampled_from([*known, "surplus"]), max_size=3)):
        data[field] = draw(json_values)
    command: Json = {"id": 1, "type": kind, "data": data}
    parts = st.sampled_from(["id", "type", "data", "surplus"])
    for part in draw(st.lists(parts, max_size=1)):
        command[part] = draw(json_values)
    return command


@anything
@given(value=json_values | distorted_commands())
async def test_any_json_is_answered_as_the_contract_says(
    server: Served, pair: Pair, value: object
) -> None:
    async with await Socket.connect(server.url, pair[0].token) as socket:
        session = Session(socket, pair[2])
        await socket.send_raw(written(value))
        if isinstance(value, dict):
            assert (await session.reply())["id"] in [value.get("id"), None]
            assert (await session.ask({"id": "end", "type": "ping"}))["id"] == "end"
        else:
            assert (await socket.wait_closed()).code == 4502


@st.composite
def frames_of_anything(draw: st.DrawFn) -> tuple[bytes, set[bytes]]:
    """Frames and bytes that are none; beside them what close frames say."""
    data, closes = b"", set()
    for _ in range(draw(st.integers(0, 8))):
        payload = draw(st.binary(max_size=300))
        if draw(st.booleans()):
            data += payload
        else:
            opcode = draw(st.sampled_from(list(Opcode)))
            data += frame(payload, opcode=opcode, fin=draw(st.booleans()))
            if opcode is Opcode.CLOSE:
                closes.add(payload)
    return data, closes


@anything
@given(sent=frames_of_anything())
async def test_any_bytes_end_as_the_contract_says(
    server: Served,
    pair: Pair,
    caplog: pytest.LogCaptureFixture,
    sent: tuple[bytes, set[bytes]],
) -> None:
    data, closes = sent
    async with greeted(server, pair[0]) as raw:
        raw.send(data)
        raw.end()
        # Where they hang up in the middle of a frame, there is no close frame.
        with suppress(asyncio.IncompleteReadError):
            received = await raw.receive()
            while received.opcode is not Opcode.CLOSE:
                if received.opcode is Opcode.TEXT:
                    checked(json.loads(bytes(received.data)))
                received = await raw.receive()
            ending = bytes(received.data)
            # Their own close comes back to them.
            if ending not in closes:
                assert int.from_bytes(ending[:2]) in {1002, 1003, 1007, 1009, 4502}
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]
