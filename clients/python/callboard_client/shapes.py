"""
The objects of the contract that the layers speak of most; `contract.py` has them all.
"""

from typing import Any, NotRequired, TypedDict

from callboard_client.contract import (
    Attachment,
    Connection,
    Conversation,
    Hello,
    Message,
    Notification,
    Page,
    Participant,
    Quote,
    Unread,
)

__all__ = [
    "Attachment",
    "Connection",
    "Conversation",
    "Event",
    "Hello",
    "Json",
    "Message",
    "Notification",
    "Page",
    "Participant",
    "Quote",
    "Unread",
]

Json = dict[str, Any]


class Event(TypedDict):
    """
    A frame that the server sent unasked.
    """

    type: str
    data: Json
    at: NotRequired[str]
