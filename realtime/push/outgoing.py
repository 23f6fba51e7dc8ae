"""
How a push leaves: few connections, little patience, no detours, short answers.

What a push service answers is bounded in time and in size, redirects are not followed,
and endpoints that people name lead nowhere but to public addresses
(`realtime/outgoing.py`) and what the operator names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from realtime.notifications.notifier import Rejected, Retry
from realtime.outgoing import NotPublic, public_client
from realtime.push.addresses import PushHosts

_PATIENCE = httpx.Timeout(15.0, connect=5.0)
_CONNECTIONS = 50
# A compressed answer could unfold past the limit in one step, so none is asked for.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "callboard"}
# Reasons for a refusal are a line of JSON.
_ANSWER_BYTES = 16_384
_LONGEST_PAUSE = timedelta(days=1)


class Unreachable(Exception):
    """The service did not answer; `reason` says in a word how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service has answered, as much of it as anybody reads."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def open_client(hosts: PushHosts) -> httpx.AsyncClient:
    """Make a client for endpoints that people name, at these services alone."""
    return public_client(
        hosts.exempt, timeout=_PATIENCE, connections=_CONNECTIONS, keep=_CONNECTIONS
    )


def open_service_client(*, is_http2: bool = False) -> httpx.AsyncClient:
    """Make a client for a service that the operator names; HTTP/2 alone, or none."""
    return httpx.AsyncClient(
        http1=not is_http2,
        http2=is_http2,
        trust_env=False,
        follow_redirects=False,
        timeout=_PATIENCE,
        limits=httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=60.0),
    )


class Outgoing:
    """Posts to push services; closes the client that it is given."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def post(
        self, url: str, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        """
        Post, and read as much of the answer as anybody needs.

        Raises:
            Unreachable: There is none, or it broke off.
            NotPublic: The host leads to where no push service is.
        """
        try:
            async with self._http.stream(
                "POST", url, headers=_HEADERS | dict(headers), content=content
            ) as response:
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > _ANSWER_BYTES:
                        break
        except NotPublic:
            raise
        except httpx.TimeoutException:
            raise Unreachable("timeout") from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL):
            # Not passed on: what the client tells of itself may hold the address.
            raise Unreachable("unreachable") from None
        return Answer(
            response.status_code, dict(response.headers), bytes(body[:_ANSWER_BYTES])
        )

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()


def usual_outcome(answer: Answer, now: datetime) -> Retry | Rejected:
    """Read a refusal that is the same with every service."""
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return retry(answer, "rate_limited", now)
    if httpx.codes.is_server_error(status) or status == HTTPStatus.REQUEST_TIMEOUT:
        return retry(answer, f"http_{status}", now)
    return Rejected(f"http_{status}")


def retry(answer: Answer, reason: str, now: datetime) -> Retry:
    """Have it tried again when the service says, if it does (RFC 9110, 10.2.3)."""
    return Retry(reason, _pause(answer.headers.get("retry-after", "").strip(), now))


def _pause(written: str, now: datetime) -> timedelta | None:
    if written.isascii() and written.isdecimal() and len(written) < 10:  # noqa: PLR2004
        return min(timedelta(seconds=int(written)), _LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(written)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), _LONGEST_PAUSE)
