"""Commands as they should be, and what somebody might send instead."""

from typing import Any
from uuid import UUID, uuid4

Json = dict[str, Any]

# What each kind of field must not be; what JSON itself forbids is tested elsewhere.
BAD_IDS: list[Any] = [
    None,
    True,
    0,
    1.5,
    10**25,
    "",
    "x",
    "\u0000",
    "00000000-0000-4000-8000-00000000000g",
    "00000000-0000-4000-8000-000000000000\u0000",
    " " + str(UUID(int=1)),
    "9" * 1000,
    [],
    [str(UUID(int=1))],
    {},
]
BAD_SEQS: list[Any] = [None, True, -1, 1.0, 0.5, 2**53, 2**64, 10**30, "1", "", [], {}]
BAD_BODIES: list[Any] = [
    None,
    False,
    0,
    "",
    " \n\t ",
    "a\u0000b",
    "\u0000",
    "x" * 8001,
    [],
    ["x"],
    {},
]


def is_blank(body: object) -> bool:
    """Tell whether nothing is said."""
    return isinstance(body, str) and not body.strip()


BAD_NOTES: list[Any] = [True, 0, "a\u0000b", "x" * 501, [], {}]
BAD_TOKENS: list[Any] = [None, True, 0, [], {}]
BAD_CURSORS: list[Any] = [True, 0, [], {}]


def nested(depth: int) -> Json:
    """Make an object in an object in an object."""
    inside: Json = {}
    for _ in range(depth):
        inside = {"a": inside}
    return inside


BAD_METADATA: list[Any] = [
    None,
    True,
    0,
    "x",
    [],
    {"a": "\u0000"},
    {"\u0000": 1},
    {"a": "x" * 4096},
    {"x" * 4096: 1},
    nested(300),
    nested(900),
]

FILE: Json = {
    "url": "https://files.example/cv.pdf",
    "name": "cv.pdf",
    "mime_type": "application/pdf",
    "size": 1234,
}
BAD_FILES: list[Any] = [
    None,
    0,
    "https://files.example/cv.pdf",
    [],
    {},
    {**FILE, "surplus": 1},
    *({key: FILE[key] for key in FILE if key != left} for left in FILE),
    *(
        {**FILE, "url": url}
        for url in (
            None,
            "",
            "http://files.example/cv.pdf",
            "javascript:alert(1)",
            "https://",
            "https://user:secret@files.example/",
            "https://files.example/\u0000",
            "https://files.example/\nX: y",
            "https://files.example/a b",
            "https://[::1/",
            "https://files.example:99999/",
            "https://files.example/" + "x" * 2048,
        )
    ),
    *({**FILE, "name": name} for name in (None, 1, "", " ", "a\u0000", "x" * 256)),
    *(
        {**FILE, "mime_type": kind}
        for kind in (None, "", "pdf", "a/b/c", "a/b\n", "x" * 100 + "/" + "y" * 100)
    ),
    *({**FILE, "size": size} for size in (None, True, -1, 1.0, "1", 2**60)),
]
BAD_ATTACHMENTS: list[Any] = [
    None,
    True,
    0,
    "x",
    {},
    [FILE] * 11,
    *([bad] for bad in BAD_FILES),
]

BAD_ID_LISTS: list[Any] = [
    *(bad for bad in BAD_IDS if not isinstance(bad, list)),
    *([bad] for bad in BAD_IDS),
    [str(uuid4())] * 101,
]
BAD_NOTIFICATIONS: list[Any] = [*BAD_ID_LISTS[:-1], [str(uuid4())] * 201]
BAD_FLAGS: list[Any] = [None, 0, 1, "true", "", [], {}]
BAD_EMOJI: list[Any] = [
    None,
    True,
    1,
    "",
    " ",
    "abc",
    "<b>",
    "a👍",
    "👍👍",
    "1",
    "\u200d",
    "\ufe0f",
    "👍" + "\ufe0f" * 2,
    "👍" * 40,
    [],
    {},
]
BAD_STATUSES: list[Any] = [None, "", "offline", "ONLINE", 1, True, ["online"], {}]

# Kind of command → field → (is it required, what it must not be).
FIELDS: dict[str, dict[str, tuple[bool, list[Any]]]] = {
    "auth": {"token": (True, BAD_TOKENS), "cursor": (False, BAD_CURSORS)},
    "ping": {},
    "message.send": {
        "conversation_id": (True, [bad for bad in BAD_IDS if bad is not None]),
        "client_id": (True, BAD_IDS),
        "body": (True, BAD_BODIES),
        "attachments": (False, BAD_ATTACHMENTS),
        "reply_to_id": (False, [bad for bad in BAD_IDS if bad is not None]),
        "metadata": (False, BAD_METADATA),
    },
    "conversation.read": {
        "conversation_id": (True, BAD_IDS),
        "seq": (True, BAD_SEQS),
    },
    "conversation.delivered": {
        "conversation_id": (True, BAD_IDS),
        "seq": (True, BAD_SEQS),
    },
    **{
        f"notification.{mark}": {
            "ids": (True, BAD_NOTIFICATIONS),
            # Either the one or the other.
            "all": (False, [True, *BAD_FLAGS]),
        }
        for mark in ("seen", "read", "archive")
    },
    "connection.request": {
        "user_id": (True, BAD_IDS),
        "message": (False, BAD_NOTES),
    },
    **{
        f"connection.{step}": {"connection_id": (True, BAD_IDS)}
        for step in ("accept", "reject", "withdraw", "remove")
    },
    # An empty one is for what has attachments, as the server finds out.
    "message.edit": {
        "message_id": (True, BAD_IDS),
        "body": (True, [each for each in BAD_BODIES if not is_blank(each)]),
    },
    "message.delete": {"message_id": (True, BAD_IDS)},
    **{
        f"reaction.{step}": {
            "message_id": (True, BAD_IDS),
            "emoji": (True, BAD_EMOJI),
        }
        for step in ("add", "remove")
    },
    "typing": {"conversation_id": (True, BAD_IDS), "active": (True, BAD_FLAGS)},
    "presence.watch": {"user_ids": (True, BAD_ID_LISTS)},
    "presence.unwatch": {"user_ids": (True, BAD_ID_LISTS)},
    "presence.set": {"status": (True, BAD_STATUSES)},
    "user.block": {"user_id": (True, BAD_IDS)},
    "user.unblock": {"user_id": (True, BAD_IDS)},
}


def good(kind: str, conversation: UUID) -> Json:
    """Make data of a command in the right shape."""
    values: Json = {
        "conversation_id": str(conversation),
        "client_id": str(uuid4()),
        "user_id": str(uuid4()),
        "user_ids": [str(uuid4())],
        "ids": [str(uuid4())],
        "active": True,
        "status": "online",
        "connection_id": str(uuid4()),
        "body": "Hi",
        "message_id": str(uuid4()),
        "emoji": "👍",
        "seq": 1,
        "token": "a.b.c",
    }
    return {
        field: values[field]
        for field, (is_required, _) in FIELDS[kind].items()
        if is_required
    }


def bad_forms(kind: str, conversation: UUID) -> list[tuple[str, Json]]:
    """List wrong data of a command, each with the field that is at fault."""
    data = good(kind, conversation)
    forms: list[tuple[str, Json]] = [
        ("surplus", {**data, "surplus": 1}),
        ("x" * 100, {**data, "x" * 20_000: 1}),
        ("\u202e\u0000", {**data, "\u202e\u0000": {}}),
    ]
    for field, (is_required, values) in FIELDS[kind].items():
        forms += [(field, {**data, field: value}) for value in values]
        if is_required:
            forms.append((field, {key: data[key] for key in data if key != field}))
    return forms
