"""What those who run the server ask it, and what it says of itself."""

from contextlib import suppress
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response, Security
from fastapi.security import HTTPBearer
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from api.asyncapi import describe_socket
from api.deps import ANode, Credentials
from api.errors import refusals
from api.examples import shown
from realtime.auth import FULL_SCOPE, KEY_PREFIX
from realtime.errors import NotFound, Unauthenticated, Unavailable
from realtime.node import Node
from realtime.protocol import Wire

router = APIRouter(tags=["operations"])

SCOPE = "metrics"

# Past this it is enough to know that there is more.
_BACKLOG = 10_000

# A proxy in front speaks from a trusted address for people who are not.
_FORWARDING = ("forwarded", "x-forwarded-for", "x-real-ip", "x-forwarded-host", "via")

_metrics_key = HTTPBearer(scheme_name="ApiKey", bearerFormat="cbk_…", auto_error=False)


class Alive(Wire):
    """The process answers."""

    status: Literal["ok"] = "ok"


Status = Literal["ready", "degraded", "not_ready"]


class Readiness(Wire):
    """Whether the server can do its work, part by part."""

    status: Status
    database: bool
    bus: bool
    draining: bool


@router.get("/healthz", response_model=Alive, responses=shown({"status": "ok"}))
async def get_health() -> Alive:
    """
    Say that the process is alive; asks nothing of anybody else.
    """
    return Alive()


_READY = {"status": "ready", "database": True, "bus": True, "draining": False}


_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"description": "Send people elsewhere.", "model": Readiness}
}


@router.get(
    "/readyz",
    response_model=Readiness,
    responses=shown(_READY) | _NOT_READY,
)
async def get_readiness(node: ANode, response: Response) -> Readiness:
    """
    Say whether this node can do its work; 503 where it cannot.

    Without the bus it can: messages then reach other nodes by the feed. Taking every
    node out of rotation because Redis is away would make a slow second an outage.
    """
    parts = await node.check_ready()
    is_ready = parts["database"] and not node.is_draining
    if not is_ready:
        response.status_code = 503
        status: Status = "not_ready"
    else:
        status = "ready" if parts["bus"] else "degraded"
    return Readiness(
        status=status,
        database=parts["database"],
        bus=parts["bus"],
        draining=node.is_draining,
    )


_NUMBERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Prometheus' text format.",
        "content": {
            "text/plain": {
                "schema": {"type": "string"},
                "example": "callboard_connections 2.0\n",
            }
        },
    }
}


@router.get(
    "/metrics",
    response_class=Response,
    responses=_NUMBERS | refusals(NotFound),
)
async def get_metrics(
    request: Request,
    node: ANode,
    credentials: Annotated[Credentials, Security(_metrics_key)],
) -> Response:
    """
    Give the numbers of this process: to this machine, or to a key with `metrics`.

    Everybody else is told that there is nothing here.
    """
    if not _is_local(request) and not await _may_measure(node, credentials):
        raise NotFound("There is no such call.")
    await _measure_backlog(node)
    # What relays have leased from this process counts here, the rest at its workers.
    numbers = node.metrics.render() + node.relay.metrics.render()
    return Response(numbers, media_type=CONTENT_TYPE_PLAIN_0_0_4)


async def _measure_backlog(node: Node) -> None:
    """Count what is due; without the database the last count stands."""
    now = node.clock()
    with suppress(Unavailable):
        async with node.transaction() as work:
            backlog = await work.delivery_log.backlog(now, _BACKLOG)
        node.metrics.show_backlog(
            {
                each.channel: (each.due, (now - each.oldest_due_at).total_seconds())
                for each in backlog
            }
        )


@router.get(
    "/asyncapi.json",
    response_model=dict[str, Any],
    responses=shown({"asyncapi": "3.0.0"}),
)
async def get_asyncapi(request: Request) -> dict[str, Any]:
    """
    Describe the WebSocket side: AsyncAPI 3.
    """
    return describe_socket(request.app.version)


def _is_local(request: Request) -> bool:
    if request.client is None or any(
        header in request.headers for header in _FORWARDING
    ):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _may_measure(node: Node, credentials: Credentials) -> bool:
    if credentials is None or not credentials.credentials.startswith(KEY_PREFIX):
        return False
    try:
        platform = await node.authenticator.platform(credentials.credentials)
    except Unauthenticated:
        return False
    return not platform.scopes.isdisjoint({SCOPE, FULL_SCOPE})
