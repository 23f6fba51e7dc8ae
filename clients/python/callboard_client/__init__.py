"""
Asyncio client for Callboard: read `client.py` first, then `store.py`, `socket.py`.

`Client` survives faults; `Socket` is one WebSocket life; `Conversations` is the pure
store; `Api` and `Platform` are the HTTP side.
"""

from callboard_client.attempts import Attempts
from callboard_client.backoff import Backoff
from callboard_client.client import Client
from callboard_client.errors import (
    CallboardError,
    ClientClosed,
    ConnectionLost,
    ProtocolFault,
    Refused,
    TooManyPending,
    comes_back,
)
from callboard_client.http import Api
from callboard_client.inbox import Inbox
from callboard_client.notifications import Notifications
from callboard_client.outbox import OutboxStorage, SqliteOutbox, Stored
from callboard_client.platform import Platform
from callboard_client.shapes import (
    Attachment,
    Connection,
    Conversation,
    Event,
    Hello,
    Json,
    Message,
    Notification,
    Page,
    Participant,
    Quote,
    Unread,
)
from callboard_client.socket import Socket
from callboard_client.store import Conversations
from callboard_client.timeline import Gap, Timeline
from callboard_client.tokens import Tokens, TokenSource

__all__ = [
    "Api",
    "Attachment",
    "Attempts",
    "Backoff",
    "CallboardError",
    "Client",
    "ClientClosed",
    "Connection",
    "ConnectionLost",
    "Conversation",
    "Conversations",
    "Event",
    "Gap",
    "Hello",
    "Inbox",
    "Json",
    "Message",
    "Notification",
    "Notifications",
    "OutboxStorage",
    "Page",
    "Participant",
    "Platform",
    "ProtocolFault",
    "Quote",
    "Refused",
    "Socket",
    "SqliteOutbox",
    "Stored",
    "Timeline",
    "TokenSource",
    "Tokens",
    "TooManyPending",
    "Unread",
    "comes_back",
]
