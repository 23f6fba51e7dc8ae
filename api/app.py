"""
The HTTP application of a node.

Routers stand one noun to a file; what is common to all calls is in `deps.py` (who
asks), `errors.py` (how they are refused) and `middleware.py` (what stands around).
"""

from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from api import (
    blocks,
    connections,
    content_preferences,
    conversations,
    devices,
    edits,
    gigs,
    health,
    job_alerts,
    me,
    messages,
    notification_preferences,
    notifications,
    presence,
    privacy,
    quiet_hours,
    reports,
    search,
    topics,
    unsubscribe,
    uploads,
    users,
)
from api.chat_files import ChatFiles, add_chat_files, shipped
from api.deps import CHANGING
from api.errors import ProblemDetails, add_handlers, refusals
from api.examples import with_nulls
from api.idempotency import REPLAYED
from api.middleware import BodyLimit, Guard
from api.platform import applications as platform_applications
from api.platform import audit as platform_audit
from api.platform import connections as platform_connections
from api.platform import deliveries as platform_deliveries
from api.platform import events as platform_events
from api.platform import gigs as platform_gigs
from api.platform import groups as platform_groups
from api.platform import notifications as platform_notifications
from api.platform import organizations as platform_organizations
from api.platform import relay as platform_relay
from api.platform import reports as platform_reports
from api.platform import suppressions as platform_suppressions
from api.platform import tokens as platform_tokens
from api.platform import topics as platform_topics
from api.platform import users as platform_users
from api.platform import webhooks as platform_webhooks
from realtime.errors import Invalid, RateLimited
from realtime.node import Node
from realtime.settings import Settings

_DESCRIPTION = """\
Messaging between the people of a platform. People call with a token that their
platform issued, a platform's backend with an API key. Live events come over the
WebSocket at `/v1/ws`, described in `/asyncapi.json`.

Refusals are RFC 9457 problems; programs decide by their `code`. Times are RFC 3339 in
UTC. Lists answer `items` and `next`; give `next` back for the following page.
"""

_TAGS = [
    {"name": "people", "description": "Oneself and others."},
    {"name": "connections", "description": "Links between people, and blocks."},
    {"name": "conversations", "description": "Where messages are."},
    {"name": "messages", "description": "What people say."},
    {"name": "notifications", "description": "What people are shown, and how."},
    {"name": "safety", "description": "Reporting what is wrong."},
    {"name": "platform", "description": "What a platform's backend does."},
    {"name": "operations", "description": "For those who run the server."},
]

_ROUTERS: tuple[APIRouter, ...] = (
    me.router,
    privacy.router,
    content_preferences.router,
    users.router,
    connections.router,
    blocks.router,
    conversations.router,
    gigs.router,
    messages.router,
    search.router,
    edits.router,
    notifications.router,
    job_alerts.router,
    notification_preferences.router,
    quiet_hours.router,
    presence.router,
    topics.router,
    unsubscribe.router,
    uploads.router,
    devices.router,
    reports.router,
    platform_users.router,
    platform_organizations.router,
    platform_gigs.router,
    platform_applications.router,
    platform_groups.router,
    platform_connections.router,
    platform_suppressions.router,
    platform_tokens.router,
    platform_reports.router,
    platform_audit.router,
    platform_events.router,
    platform_notifications.router,
    platform_deliveries.router,
    platform_topics.router,
    platform_webhooks.router,
    platform_relay.router,
    health.router,
)

# Answers are for who asked, not for a cache on the way, and are what they say.
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Application(FastAPI):
    """FastAPI, which documents refusals too."""

    def openapi(self) -> dict[str, Any]:
        """Describe every call, with the one shape of all refusals."""
        if self.openapi_schema is None:
            schema = super().openapi()
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
            _document_limits(schema)
            _document_unreadable(schema)
            self.openapi_schema = with_nulls(schema)
        return self.openapi_schema


def create_app(node: Node, chat: ChatFiles | None = None) -> FastAPI:
    """
    Build the application of a node that somebody else opens and closes.

    The chat that it serves is the one that this package came with, if none is given.
    """
    app = _application(_middleware(node.settings))
    app.state.node = node
    add_handlers(app)
    add_chat_files(app, chat or shipped())
    return app


def describe_http() -> dict[str, Any]:
    """Give the OpenAPI document, without a node to serve it."""
    return _application([]).openapi()


def _application(middleware: Sequence[Middleware]) -> FastAPI:
    app = Application(
        title="Callboard",
        summary="Self-hosted realtime messaging for marketplaces.",
        description=_DESCRIPTION,
        version=version_of_callboard(),
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_tags=_TAGS,
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        middleware=middleware,
    )
    for router in _ROUTERS:
        app.include_router(router)
    return app


def _middleware(settings: Settings) -> list[Middleware]:
    """Name what stands around every call, the outermost first."""
    around = [Middleware(Guard, headers=_HEADERS), Middleware(BodyLimit)]
    if not settings.allowed_origins:
        return around
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
        expose_headers=["Retry-After", REPLAYED],
        max_age=600,
    )
    return [cors, *around]


def _document_limits(schema: dict[str, Any]) -> None:
    """Describe the limit that `deps.py` sets to what people change."""
    for operations in schema["paths"].values():
        for method, operation in operations.items():
            is_a_persons = {"UserToken": []} in operation.get("security", [])
            if is_a_persons and method.upper() in CHANGING:
                limited = refusals(RateLimited)[RateLimited.status]
                operation["responses"].setdefault(str(RateLimited.status), limited)


def _document_unreadable(schema: dict[str, Any]) -> None:
    """Describe how a body that cannot be read at all is refused."""
    unreadable = refusals(Invalid)[Invalid.status] | {
        "description": "The body cannot be read."
    }
    for operations in schema["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                status = str(HTTPStatus.BAD_REQUEST.value)
                operation["responses"].setdefault(status, unreadable)


def _operation_id(route: APIRoute) -> str:
    """Name an operation as its function, which generated clients then call theirs."""
    is_platform = route.path.startswith("/v1/platform/")
    return f"platform_{route.name}" if is_platform else route.name


def version_of_callboard() -> str:
    """Name the version that runs."""
    try:
        return version("callboard")
    except PackageNotFoundError:
        # Run from a checkout that nobody installed.
        return "0.0.0"
