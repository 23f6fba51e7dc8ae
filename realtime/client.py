"""
One client: a socket with somebody behind it.

Its life: handshake, authentication, `hello` with what was missed, then commands and
events until it ends. Commands of one client are begun in the order in which they
came; sends are answered when their batch has committed, so many may be under way.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import orjson
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from realtime.actor import Actor
from realtime.auth import Authenticated
from realtime.clock import instant
from realtime.commands import CHANGES, HANDLERS, SESSION_HANDLERS
from realtime.doorkeeper import Doorkeeper
from realtime.errors import (
    Forbidden,
    Internal,
    Invalid,
    Problem,
    Unauthenticated,
)
from realtime.frames import DEFLATE, TextFrame
from realtime.handshake import PATH, SUBPROTOCOL, address_of, cursor_of, token_of
from realtime.incoming import (
    check_envelope,
    encode_refusal,
    parse_command,
    printable_id,
    read_leniently,
)
from realtime.node import Node
from realtime.protocol import (
    FRAME_BYTES,
    Authenticate,
    Command,
    CursorMoved,
    Hello,
    SendMessage,
    Unread,
    encode_event,
    encode_ok,
)
from realtime.websocket import SLOW_CONSUMER, Flusher, WebSocket
from storage.snapshots import Snapshot

log = logging.getLogger(__name__)

TOKEN_EXPIRED = 4001
TOO_MANY_CONNECTIONS = 4003
UNAUTHENTICATED = 4500
REVOKED = 4501
MALFORMED_OR_FLOOD = 4502
ORIGIN_NOT_ALLOWED = 4503

# Commands under way; beyond it the socket is not read until some are answered.
_IN_FLIGHT = 64
# What may happen to a client while it catches up.
_HELD_FRAMES = 2000
# Who has not taken what was missed by then is no reader; it may come back and resume.
_CATCH_UP_SECONDS = 60.0
# Refused frames a client may send at once, and how many a second it wins back: a
# client that sends nothing but nonsense is broken or hostile.
_MISTAKES = 200
_FORGIVEN_PER_SECOND = 5.0
# Ends that are counted by code.
_KNOWN_CODES = frozenset(
    {
        *CloseCode,
        *range(SLOW_CONSUMER, TOO_MANY_CONNECTIONS + 1),
        *range(UNAUTHENTICATED, ORIGIN_NOT_ALLOWED + 1),
    }
)


class Client(WebSocket):
    """A live socket of somebody; see the module's text."""

    def __init__(self, node: Node, doorkeeper: Doorkeeper, flusher: Flusher) -> None:
        settings = node.settings
        super().__init__(
            flusher,
            max_bytes=FRAME_BYTES,
            outbound_bytes=settings.outbound_bytes,
            heartbeat_seconds=settings.heartbeat_seconds,
            handshake_seconds=settings.handshake_seconds,
            extensions=[DEFLATE] if settings.permessage_deflate else [],
        )
        self.session_id: UUID = uuid4()
        self._node = node
        self._doorkeeper = doorkeeper
        self._address = ""
        self._forwarded: str | None = None
        self._has_entered = False
        self._token: str | None = None
        self._cursor: str | None = None
        self._early_refusal: tuple[int, str] | None = None
        self._actor: Actor | None = None
        self._is_attached = False
        # What is announced while the client catches up; None once it is live.
        self._held: list[tuple[TextFrame, int]] | None = []
        self._held_bytes = 0
        self._base: Snapshot | None = None
        self._live_since = 0
        self._entering: asyncio.Task[None] | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._auth_timer: asyncio.TimerHandle | None = None
        self._lane = asyncio.Lock()
        self._in_flight: dict[int | str, asyncio.Task[None]] = {}
        self._early: list[bytes] = []
        self._mistakes = 0.0
        self._mistaken_at = 0.0

    # --- handshake ----------------------------------------------------------------

    def choose_subprotocol(self, offered: Sequence[str]) -> Subprotocol | None:
        """Choose ours; the token beside it is not one that could be chosen."""
        return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None

    def on_request(self, request: Request) -> Response:
        """
        Answer the handshake.

        What a browser could not read from an HTTP answer is said by a close code
        right after it.
        """
        path, _, query = request.path.partition("?")
        if path != PATH:
            return self.core.reject(404, "There is no socket here.\n")
        if self._node.is_draining:
            return self.core.reject(503, "The server is restarting.\n")
        peer = self._transport.get_extra_info("peername")
        self._address = address_of(
            request,
            str(peer[0]) if isinstance(peer, tuple) else "",
            {
                proxy.strip()
                for proxy in self._node.settings.forwarded_allow_ips.split(",")
            },
        )
        response = self.core.accept(request)
        if response.status_code != 101:  # noqa: PLR2004 - switching protocols
            return response
        headers = request.headers
        if not self._doorkeeper.enter(self._address):
            self._early_refusal = (TOO_MANY_CONNECTIONS, "too many connections")
            return response
        self._has_entered = True
        hosts = headers.get_all("Host")
        if not self._doorkeeper.is_origin_allowed(
            headers.get("Origin"), hosts[0] if len(hosts) == 1 else None
        ):
            self._early_refusal = (ORIGIN_NOT_ALLOWED, "origin not allowed")
        self._token = token_of(request)
        self._cursor = cursor_of(query)
        return response

    def on_open(self) -> None:
        """Let in who has a token, wait a while for who has not sent it yet."""
        if self._early_refusal is not None:
            self.close(*self._early_refusal)
        elif self._token is not None:
            self._enter(self._token, self._cursor, None)
        else:
            loop = asyncio.get_running_loop()
            self._auth_timer = loop.call_later(
                self._node.settings.auth_seconds,
                self.close,
                UNAUTHENTICATED,
                "no token in time",
            )

    # --- authentication -----------------------------------------------------------

    def _enter(
        self, token: str, cursor: str | None, reference: int | str | None
    ) -> None:
        if self._auth_timer is not None:
            self._auth_timer.cancel()
        self._entering = asyncio.get_running_loop().create_task(
            self._become_live(token, cursor, reference)
        )

    async def _become_live(
        self, token: str, cursor: str | None, reference: int | str | None
    ) -> None:
        try:
            authenticated = await self._node.authenticator.user(token)
            if not self.is_open:
                return
            actor = authenticated.actor
            if not self._doorkeeper.enter_user(actor.user_id):
                self.close(TOO_MANY_CONNECTIONS, "too many connections")
                return
            self._actor = actor
            self._is_attached = True
            # First be reachable, then take the snapshot, then read, then go live:
            # nothing falls between.
            await self._node.attach(actor.user_id, self)
            # Who was suspended just before was not reachable then: look once more.
            await self._node.authenticator.user(token)
            self._expire_with(authenticated)
            if reference is not None:
                expires_at = instant(authenticated.expires_at)
                self._reply(encode_ok(reference, {"expires_at": expires_at}))
            async with asyncio.timeout(_CATCH_UP_SECONDS):
                await self._greet(actor, cursor)
            if self.is_open:
                self._take_early()
        except TimeoutError:
            self.close(SLOW_CONSUMER, "too slow in catching up")
        except Problem as problem:
            if reference is not None:
                self._reply(encode_refusal(reference, problem))
            code = problem.close or (
                CloseCode.TRY_AGAIN_LATER if problem.retry else UNAUTHENTICATED
            )
            self.close(code, problem.code)
        except Exception:
            log.exception("hello failed", extra={"session": str(self.session_id)})
            self.close(CloseCode.INTERNAL_ERROR, "internal")
        finally:
            if not self.is_open:
                self._detach()

    async def _greet(self, actor: Actor, cursor: str | None) -> None:
        node = self._node
        if self._is_attached:
            await node.presence.enter(actor.user_id, self.session_id)
        resumed = await node.resume(actor, cursor)
        self._base = resumed.snapshot
        newest = node.cursor(resumed.snapshot)
        hello = Hello(
            user_id=actor.user_id,
            session_id=self.session_id,
            resumed=resumed.is_complete,
            # Until all that was missed has been sent, the client's own cursor stands:
            # cut off in the middle, it must miss nothing the next time.
            cursor=cursor if cursor and resumed.is_complete else newest,
            unread=Unread.model_validate(resumed.unread),
            heartbeat_s=_whole(node.settings.heartbeat_seconds),
        )
        node.metrics.opened.inc()
        node.metrics.resumed.labels(_outcome(resumed.is_complete)).inc()
        self._reply(encode_event(hello.kind, node.clock(), hello.json_data()))
        for payload in resumed.payloads:
            self._reply(payload)
            # What was missed may be more than a slow reader can be owed at once.
            await self.drained()
        if resumed.is_complete:
            moved = CursorMoved(cursor=newest)
            self._reply(encode_event(moved.kind, node.clock(), moved.json_data()))
        held, self._held = self._held or [], None
        self._live_since = node.sweeps_begun
        for frame, xid in held:
            self.deliver(frame, xid)

    def _expire_with(self, authenticated: Authenticated) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        if not self.is_open:
            # Gone meanwhile: a timer would keep it in memory until the token ends.
            return
        left = (authenticated.expires_at - self._node.clock()).total_seconds()
        if left <= 0:
            # Let in by the leeway for clocks that differ: give it the same.
            left += 10
        self._expiry = asyncio.get_running_loop().call_later(
            min(max(left, 0), 2**31 / 1000), self.close, TOKEN_EXPIRED, "token expired"
        )

    async def _refresh(self, command: Authenticate) -> Mapping[str, Any]:
        """Take a new token for the same user; a bad one leaves the session as it is."""
        authenticated = await self._node.authenticator.user(command.token)
        if authenticated.actor != self._actor:
            raise Forbidden("The token is somebody else's.")
        self._expire_with(authenticated)
        return {"expires_at": instant(authenticated.expires_at)}

    # --- what others do -----------------------------------------------------------

    def deliver(self, frame: TextFrame, xid: int) -> None:
        """Take an event, unless the client has it from its snapshot."""
        if self._held is not None:
            self._held_bytes += len(frame.plain)
            is_too_much = self._held_bytes > self._node.settings.outbound_bytes
            if is_too_much or len(self._held) >= _HELD_FRAMES:
                self._held.clear()
                self.close(SLOW_CONSUMER, "too much happened while catching up")
            else:
                self._held.append((frame, xid))
        elif self._base is None or not self._base.sees(xid):
            self.send(frame)

    def move_cursor(self, frame: TextFrame, sweep: int) -> bool:
        """Take a cursor, if it is newer than the one of the hello."""
        if self._held is not None or sweep <= self._live_since:
            return not self.is_open
        self.send(frame)
        return True

    def notify(self, frame: TextFrame) -> bool:
        """Take what is worth nothing later; False where it was not sent."""
        return self._held is None and self.send_if_idle(frame)

    def close_with(self, code: int, reason: str) -> None:
        """Close, and deliver nothing more from this moment on."""
        self._detach()
        if code == REVOKED:
            # Not even what a slow reader is still owed.
            self.drop()
        self.close(code, reason)

    # --- commands -----------------------------------------------------------------

    def on_text(self, data: bytes) -> None:
        """Take a frame: a command, or a reason to refuse it."""
        if self._held is not None and self._entering is not None:
            # Before hello; answered after it.
            self._early.append(data)
            self.pause(is_paused=len(self._early) >= _IN_FLIGHT)
            return
        try:
            frame = orjson.loads(data)
        except orjson.JSONDecodeError:
            self._refuse_unreadable(data)
            return
        if type(frame) is not dict:
            self.close(MALFORMED_OR_FLOOD, "a frame must be one JSON object")
            return
        self._begin(frame)

    def _begin(self, frame: dict[str, Any]) -> None:
        reference = frame.get("id")
        try:
            check_envelope(frame)
            kind = frame["type"]
            if self._entering is None:
                self._authenticate_first(frame)
                return
            if reference in self._in_flight:
                raise Invalid("This id belongs to a command that is still under way.")
            command = parse_command(kind, frame.get("data", {}))
        except Problem as problem:
            self._note_mistake(encode_refusal(printable_id(reference), problem))
            return
        self._in_flight[frame["id"]] = asyncio.get_running_loop().create_task(
            self._run(frame["id"], command)
        )
        self.pause(is_paused=len(self._in_flight) >= _IN_FLIGHT)

    def _authenticate_first(self, frame: dict[str, Any]) -> None:
        if frame["type"] != Authenticate.kind:
            self._reply(
                encode_refusal(frame["id"], Unauthenticated("Send auth first."))
            )
            self.close(UNAUTHENTICATED, "unauthenticated")
            return
        command = parse_command(frame["type"], frame.get("data", {}))
        assert isinstance(command, Authenticate)  # noqa: S101 - its kind says so
        self._enter(command.token, command.cursor or self._cursor, frame["id"])

    async def _run(self, reference: int | str, command: Command) -> None:
        """Do a command and answer it; begun in order, answered when it is done."""
        node = self._node
        outcome = "ok"
        started = asyncio.get_running_loop().time()
        try:
            answer = encode_ok(reference, await self._do(command))
        except Problem as problem:
            outcome = problem.code
            answer = encode_refusal(reference, problem)
        except Exception:
            outcome = Internal.code
            log.exception("command failed", extra={"command": command.kind})
            answer = encode_refusal(reference, Internal())
        del self._in_flight[reference]
        node.metrics.count_command(command.kind, outcome)
        if log.isEnabledFor(logging.DEBUG):
            seconds = asyncio.get_running_loop().time() - started
            log.debug(
                "command",
                extra={
                    "command": command.kind,
                    "outcome": outcome,
                    "session": str(self.session_id),
                    "ms": round(seconds * 1000, 1),
                },
            )
        self._reply(answer)
        if len(self._in_flight) <= _IN_FLIGHT // 2:
            self.pause(is_paused=False)

    async def _do(self, command: Command) -> Mapping[str, Any]:
        actor = self._actor
        assert actor is not None  # noqa: S101 - commands come after authentication
        async with self._lane:
            if not self._is_attached:
                raise Unauthenticated("The session has ended.")
            if type(command) in CHANGES:
                await self._node.limits.check("changes", actor.user_id)
            if isinstance(command, SendMessage):
                draft = await self._node.sender.prepare(actor, command)
                submitted = self._node.sender.submit(draft)
            elif isinstance(command, Authenticate):
                return await self._refresh(command)
            elif type(command) in SESSION_HANDLERS:
                handle = SESSION_HANDLERS[type(command)]
                return await handle(self._node, actor, self, command)
            else:
                return await HANDLERS[type(command)](self._node, actor, command)
        return {"message": await self._node.sender.settle(draft, submitted)}

    def _take_early(self) -> None:
        """Take what came before hello, in order."""
        early, self._early = self._early, []
        for data in early:
            if self.is_open:
                self.on_text(data)
        self.pause(is_paused=len(self._in_flight) >= _IN_FLIGHT)

    def _refuse_unreadable(self, data: bytes) -> None:
        """
        Refuse what is not JSON, as kindly as can be.

        What only a strict reader refuses (lone surrogates, NaN, numbers beyond
        doubles) still has an id to answer to.
        """
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.close(CloseCode.INVALID_DATA, "not UTF-8")
            return
        frame = read_leniently(text)
        if not isinstance(frame, dict):
            self.close(MALFORMED_OR_FLOOD, "a frame must be one JSON object")
            return
        problem = Invalid("The frame is not JSON that every reader takes (RFC 8259).")
        self._note_mistake(encode_refusal(printable_id(frame.get("id")), problem))

    def _note_mistake(self, answer: bytes) -> None:
        now = asyncio.get_running_loop().time()
        forgiven = (now - self._mistaken_at) * _FORGIVEN_PER_SECOND
        self._mistakes = max(self._mistakes - forgiven, 0.0) + 1
        self._mistaken_at = now
        self._reply(answer)
        if self._mistakes > _MISTAKES:
            self.close(MALFORMED_OR_FLOOD, "too many refused commands")

    def _reply(self, payload: bytes) -> None:
        self.send(TextFrame(payload))

    # --- end ----------------------------------------------------------------------

    def on_lost(self, code: int) -> None:
        """Forget the client; commands under way are finished, their answers dropped."""
        self._detach()
        for timer in (self._expiry, self._auth_timer):
            if timer is not None:
                timer.cancel()
        self._early.clear()
        if self._has_entered:
            self._has_entered = False
            self._doorkeeper.leave(self._address)
        # A peer may choose from thousands of codes.
        label = str(code) if code in _KNOWN_CODES else "other"
        self._node.metrics.closed.labels(label).inc()

    def _detach(self) -> None:
        if self._is_attached and self._actor is not None:
            self._is_attached = False
            self._node.detach(self._actor.user_id, self)
            self._doorkeeper.leave_user(self._actor.user_id)


def _whole(seconds: float) -> int | float:
    """Write 25 and not 25.0, which typed clients would not take for a whole number."""
    return int(seconds) if seconds.is_integer() else seconds


def _outcome(is_complete: bool | None) -> str:  # noqa: FBT001 - three-valued
    return {True: "resumed", False: "reload", None: "new"}[is_complete]
