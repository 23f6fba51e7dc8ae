"""The AsyncAPI 3 document of the socket, generated from what the server runs on."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from api.shapes import PresenceList, UnreadAnswer
from realtime.errors import REFUSALS
from realtime.handshake import PATH, SUBPROTOCOL
from realtime.protocol import (
    COMMANDS,
    EVENTS,
    FRAME_BYTES,
    LARGEST_SEQ,
    Command,
    Connection,
    Event,
    Instant,
    Message,
    Wire,
)

References = Mapping[Any, dict[str, Any]]

_CHANNEL = "socket"
_REFUSED = "error"
_ID = {
    "oneOf": [
        {"type": "integer", "minimum": -LARGEST_SEQ, "maximum": LARGEST_SEQ},
        {"type": "string", "minLength": 1, "maxLength": 64},
    ],
    "description": "Unique among the commands in flight.",
}


class Done(Wire):
    """Nothing to say but that it was done."""


class Expiry(Wire):
    """Until when the session is good."""

    expires_at: Instant


class Heard(Wire):
    """What time it is on the server."""

    at: Instant


class MessageAnswer(Wire):
    """The message: sent again, as it was first stored; deleted, its tombstone."""

    message: Message


class ReactionsAnswer(Wire):
    """All reactions to the message, emoji by emoji."""

    reactions: Mapping[str, Sequence[UUID]]


class ReadAnswer(Wire):
    """How far one has read, and what is left."""

    read_seq: int
    unread: int


class DeliveredAnswer(Wire):
    """How far messages have arrived."""

    delivered_seq: int


class ConnectionAnswer(Wire):
    """The connection as it stands now."""

    connection: Connection


# What `ok` carries, by command; a test holds this and COMMANDS together.
ANSWERS: Mapping[str, type[Wire]] = {
    "auth": Expiry,
    "ping": Heard,
    "message.send": MessageAnswer,
    "message.edit": MessageAnswer,
    "message.delete": MessageAnswer,
    "reaction.add": ReactionsAnswer,
    "reaction.remove": ReactionsAnswer,
    "conversation.read": ReadAnswer,
    "conversation.delivered": DeliveredAnswer,
    "notification.seen": UnreadAnswer,
    "notification.read": UnreadAnswer,
    "notification.archive": UnreadAnswer,
    "connection.request": ConnectionAnswer,
    "connection.accept": ConnectionAnswer,
    "connection.reject": ConnectionAnswer,
    "connection.withdraw": ConnectionAnswer,
    "connection.remove": ConnectionAnswer,
    "typing": Done,
    "presence.watch": PresenceList,
    "presence.unwatch": PresenceList,
    "presence.set": Done,
    "user.block": Done,
    "user.unblock": Done,
}


@cache
def describe_socket(version: str) -> dict[str, Any]:
    """Describe the socket: what can be sent, what is answered, what is told."""
    references, schemas = _schemas()
    messages = {kind: _command(kind, references) for kind in COMMANDS}
    messages |= {_ok(kind): _answer(kind, references) for kind in COMMANDS}
    messages |= {_told(kind): _event(kind, references) for kind in EVENTS}
    messages[_REFUSED] = _refusal()
    return {
        "asyncapi": "3.0.0",
        "id": "urn:callboard:socket:v1",
        "info": {
            "title": "Callboard",
            "version": version,
            "description": "Commands and events over one WebSocket. What is not"
            " understood in an event must be ignored.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {_CHANNEL: _channel(messages)},
        "operations": _operations(),
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The Authorization header, else the subprotocols"
                    f" `{SUBPROTOCOL}, bearer.<jwt>`, else an `auth` frame first."
                    " Never the query string.",
                }
            },
        },
    }


def _channel(messages: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "address": PATH,
        "title": "The socket",
        "description": f"Text frames of one JSON object, at most {FRAME_BYTES} bytes"
        " in. `hello` comes first.",
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in messages
        },
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {
                    "type": "object",
                    "properties": {
                        "cursor": {
                            "type": "string",
                            "description": "Resume from here.",
                        }
                    },
                },
                "bindingVersion": "0.1.0",
            }
        },
    }


def _operations() -> dict[str, Any]:
    """Say who sends what, as seen from the server."""
    operations: dict[str, Any] = {}
    for kind, command in COMMANDS.items():
        operations[f"receive.{kind}"] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{_CHANNEL}"},
            "summary": _summary(command),
            "security": [{"$ref": "#/components/securitySchemes/bearer"}],
            "messages": [_in_channel(kind)],
            "reply": {
                "channel": {"$ref": f"#/channels/{_CHANNEL}"},
                "messages": [_in_channel(_ok(kind)), _in_channel(_REFUSED)],
            },
        }
    for kind, event in EVENTS.items():
        operations[f"send.{kind}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{_CHANNEL}"},
            "summary": _summary(event),
            "messages": [_in_channel(_told(kind))],
        }
    return operations


def _command(kind: str, references: References) -> dict[str, Any]:
    command = COMMANDS[kind]
    frame = _object(
        {"id": _ID, "type": {"const": kind}, "data": references[command]},
        optional={"data"} if not command.model_fields else set(),
        is_closed=True,
    )
    return _message(kind, _summary(command), frame)


def _answer(kind: str, references: References) -> dict[str, Any]:
    frame = _object(
        {"id": _ID, "type": {"const": "ok"}, "data": references[ANSWERS[kind]]}
    )
    return _message("ok", f"`{kind}` was done.", frame)


def _event(kind: str, references: References) -> dict[str, Any]:
    event = EVENTS[kind]
    frame = _object(
        {
            "type": {"const": kind},
            "at": {"type": "string", "format": "date-time"},
            "data": references[event],
        }
    )
    shown = _message(kind, _summary(event), frame)
    lasts = "is replayed on resuming" if event.is_durable else "is never replayed"
    shown["description"] = f"This event {lasts}."
    return shown


def _refusal() -> dict[str, Any]:
    codes = {kind.code: (kind.__doc__ or "").strip() for kind in REFUSALS}
    error = _object(
        {
            "code": {
                "enum": list(codes),
                "description": "\n".join(
                    f"- `{code}`: {meaning}" for code, meaning in codes.items()
                ),
            },
            "message": {"type": "string"},
            "retry": {"type": "boolean"},
            "retry_after_ms": {"type": ["integer", "null"]},
            "details": {"type": "object"},
        }
    )
    nullable = {"oneOf": [*_ID["oneOf"], {"type": "null"}]}
    frame = _object({"id": nullable, "type": {"const": "error"}, "error": error})
    return _message("error", "The command was refused.", frame)


def _message(name: str, summary: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "summary": summary,
        "contentType": "application/json",
        "payload": payload,
    }


def _object(
    properties: Mapping[str, Any],
    *,
    optional: set[str] | frozenset[str] = frozenset(),
    is_closed: bool = False,
) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
    }
    return shape | ({"additionalProperties": False} if is_closed else {})


def _schemas() -> tuple[References, dict[str, Any]]:
    """Give a reference for each model, and what they refer to."""
    inputs: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (command, "validation") for command in COMMANDS.values()
    ]
    inputs += [(event, "serialization") for event in EVENTS.values()]
    inputs += [(answer, "serialization") for answer in set(ANSWERS.values())]
    found, top = models_json_schema(inputs, ref_template="#/components/schemas/{model}")
    references: References = {
        model: reference for (model, _), reference in found.items()
    }
    return references, top["$defs"]


def _summary(model: type[Command | Event]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _ok(kind: str) -> str:
    return f"{kind}.ok"


def _told(kind: str) -> str:
    """Name an event among the messages, where a command may have its name."""
    return f"{kind}.event" if kind in COMMANDS else kind


def _in_channel(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{_CHANNEL}/messages/{name}"}
