"""Frames as lines for people."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

# Joins the parts of one emoji; everything else that cannot be seen is shown as such.
_HARMLESS = frozenset("\u200d\u200c")

Json = Mapping[str, Any]


def printable(text: str) -> str:
    """
    Make text safe for a terminal.

    A message may hold control sequences, which would be obeyed.
    """
    return "".join(
        each if each.isprintable() or each in _HARMLESS else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )


def describe(frame: Json, names: Mapping[str, str], user_id: str) -> str | None:
    """Say what a frame says; None for those that only keep the session going."""
    kind, data = frame["type"], frame.get("data", {})
    if kind == "cursor":
        return None
    if kind == "hello":
        return _hello(data, names)
    if kind == "ok":
        return _ok(data)
    if kind == "error":
        error = frame["error"]
        return f"! {error['code']}: {printable(error['message'])}"
    return _event(kind, data, names, user_id, _clock(frame))


def _hello(data: Json, names: Mapping[str, str]) -> str:
    unread = data["unread"]
    name = names.get(data["user_id"], data["user_id"])
    return (
        f"Connected as {name}: {unread['messages']} unread"
        f" in {unread['conversations']} conversations."
        " @name text sends, /quit leaves."
    )


def _ok(data: Json) -> str:
    if "message" in data:
        return f"  sent, number {data['message']['seq']}"
    return f"  ok {printable(json.dumps(data, ensure_ascii=False))}"


def _event(
    kind: str, data: Json, names: Mapping[str, str], user_id: str, clock: str
) -> str:
    def name(person: str | None) -> str:
        if person is None:
            return "Callboard"
        return "you" if person == user_id else names.get(person, person)

    match kind, data:
        case "message.created", {"message": message}:
            body = "\n          ".join(
                printable(line) for line in message["body"].split("\n")
            )
            return f"{clock}  {name(message['sender_id'])}: {body}"
        case (("receipt.read" | "receipt.delivered"), {"user_id": who, "seq": seq}):
            verb = "read" if kind == "receipt.read" else "received"
            return f"{clock}  {name(who)} {verb} up to number {seq}"
        case _, {"connection": link}:
            said = f": {printable(link['message'])}" if link.get("message") else ""
            pair = f"{name(link['requester_id'])} → {name(link['recipient_id'])}"
            return f"{clock}  {kind.replace('.', ' ')}, {pair}{said}"
        case "draining", _:
            return f"{clock}  the server is restarting"
        case _:
            shown = printable(json.dumps(data, ensure_ascii=False))
            return f"{clock}  {printable(kind)} {shown}"


def _clock(frame: Json) -> str:
    try:
        moment = datetime.fromisoformat(frame["at"]).astimezone()
    except (KeyError, ValueError):
        return "--:--:--"
    return f"{moment:%H:%M:%S}"
