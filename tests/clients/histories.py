"""
Server-side histories for the client's tests: made of events, with the truth beside.
"""

from copy import deepcopy
from typing import cast

from callboard_client import Connection, Conversation, Event, Json, Message

ME = "00000000-0000-4000-8000-000000000001"
FRIEND = "00000000-0000-4000-8000-000000000002"
TALK = "00000000-0000-4000-8000-0000000000c1"


def instant(tick: int) -> str:
    """
    Give the time of a tick, one millisecond after the one before.
    """
    return f"2026-11-21T01:{tick // 60000:02}:{tick // 1000 % 60:02}.{tick % 1000:03}Z"


class History:
    """
    One conversation between two people, as a server keeps it.

    Each action changes the truth and adds the events that tell it.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.messages: list[Message] = []
        self.connections: dict[str, Connection] = {}
        self.read = {ME: 0, FRIEND: 0}
        self.delivered = {ME: 0, FRIEND: 0}
        self.title: str | None = None
        self.ticks = 0
        self._tell("conversation.created", conversation=self.conversation(ME))

    def send(self, sender_id: str, body: str, client_id: str | None = None) -> Message:
        """
        Write a message; the same `client_id` again gives the first one.
        """
        for known in self.messages:
            if client_id is not None and known["client_id"] == client_id:
                return known
        seq = len(self.messages) + 1
        at = self._tick()
        message: Message = {
            "id": f"00000000-0000-4000-8000-{seq:012}",
            "conversation_id": TALK,
            "seq": seq,
            "client_id": client_id,
            "sender_id": sender_id,
            "kind": "text",
            "body": body,
            "attachments": [],
            "reply_to_id": None,
            "metadata": {},
            "mentions": [],
            "reply_to": None,
            "reactions": {},
            "sent_at": at,
            "edited_at": None,
            "deleted_at": None,
            "read_at": None,
        }
        self.messages.append(message)
        self._mark(sender_id, seq, at)
        self._tell("message.created", message=message)
        return message

    def edit(self, seq: int, body: str) -> None:
        """
        Change a message, unless it is gone.
        """
        message = self.messages[seq - 1]
        if message["deleted_at"] is None:
            message["body"], message["edited_at"] = body, self._tick()
            self._tell("message.updated", message=message)

    def delete(self, seq: int) -> None:
        """
        Leave a tombstone.
        """
        message = self.messages[seq - 1]
        if message["deleted_at"] is None:
            message["body"], message["deleted_at"] = "", self._tick()
            message["reactions"] = {}
            self._tell("message.deleted", message=message)

    def react(self, seq: int, user_id: str, emoji: str) -> None:
        """
        Add a reaction, or take it back where it is there; a tombstone takes none.
        """
        message = self.messages[seq - 1]
        if message["deleted_at"] is not None:
            return
        people = message["reactions"].setdefault(emoji, [])
        if user_id in people:
            people.remove(user_id)
        else:
            people.append(user_id)
        if not people:
            del message["reactions"][emoji]
        self._tick()
        self._tell(
            "reaction.changed",
            conversation_id=TALK,
            message_id=message["id"],
            reactions=message["reactions"],
        )

    def mark_read(self, user_id: str, seq: int) -> None:
        """
        Move a read marker forward.
        """
        if seq > self.read[user_id]:
            at = self._tick()
            self._mark(user_id, seq, at)
            self._tell(
                "receipt.read", conversation_id=TALK, user_id=user_id, seq=seq, at=at
            )

    def mark_delivered(self, user_id: str, seq: int) -> None:
        """
        Move a delivered marker forward.
        """
        if seq > self.delivered[user_id]:
            self.delivered[user_id] = seq
            self._tell(
                "receipt.delivered",
                conversation_id=TALK,
                user_id=user_id,
                seq=seq,
                at=self._tick(),
            )

    def rename(self, title: str) -> None:
        """
        Give the conversation a title.
        """
        self.title = title
        self._tick()
        self._tell("conversation.updated", conversation=self.conversation(ME))

    def connect(self, connection_id: str, status: str) -> None:
        """
        Bring a connection into a state.
        """
        known = self.connections.get(connection_id)
        at = self._tick()
        connection = {
            "id": connection_id,
            "requester_id": ME,
            "recipient_id": FRIEND,
            "status": status,
            "message": None,
            "created_at": known["created_at"] if known else at,
            "updated_at": at,
        }
        self.connections[connection_id] = cast("Connection", connection)
        self._tell(f"connection.{status}", connection=connection)

    def conversation(self, user_id: str) -> Conversation:
        """
        Give the conversation as a person would fetch it now.
        """
        last = self.messages[-1] if self.messages else None
        return {
            "id": TALK,
            "kind": "direct",
            "gig_id": None,
            "application_id": None,
            "title": self.title,
            "status": "active",
            "writers": "members",
            "history": "all",
            "read_only_at": None,
            "closed_by": None,
            "participants": [
                {
                    "user_id": each,
                    "role": "member",
                    "read_seq": self.read[each],
                    "delivered_seq": self.delivered[each],
                    "joined_at": instant(0),
                }
                for each in (ME, FRIEND)
            ],
            "participant_count": 2,
            "last_seq": len(self.messages),
            "last_message": deepcopy(last),
            "last_message_at": last["sent_at"] if last else None,
            "unread": sum(
                message["deleted_at"] is None
                for message in self.messages[self.read[user_id] :]
            ),
            "muted_until": None,
            "created_at": instant(0),
        }

    def snapshot(self, user_id: str) -> Json:
        """
        Give what a person would fetch now, in the shape of `Conversations.snapshot`.
        """
        return {
            "conversations": {TALK: self.conversation(user_id)},
            "messages": {TALK: deepcopy(self.messages)},
            "connections": self.connections,
        }

    def _mark(self, user_id: str, seq: int, at: str) -> None:
        for message in self.messages[self.read[user_id] : seq]:
            if message["sender_id"] != user_id and message["read_at"] is None:
                message["read_at"] = at
        self.read[user_id] = max(self.read[user_id], seq)
        self.delivered[user_id] = max(self.delivered[user_id], seq)

    def _tick(self) -> str:
        self.ticks += 1
        return instant(self.ticks)

    def _tell(self, kind: str, **data: object) -> None:
        self.events.append(
            {"type": kind, "at": instant(self.ticks), "data": deepcopy(data)}
        )
