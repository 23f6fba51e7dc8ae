"""
What a person sees, kept up to date by events alone. No I/O.

State before + events = state fetched now: applying the events of a history in any
order, any of them repeatedly, ends in the same store.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from callboard_client.shapes import Connection, Conversation, Event, Message
from callboard_client.thread import Thread
from callboard_client.timeline import Gap, Timeline

__all__ = ["Conversations", "Missing"]

# Between two changes in the same millisecond, the one further along came later.
PROGRESS = {"pending": 0, "removed": 2}


class Missing(NamedTuple):
    """
    What a conversation lacks: its details, or messages.
    """

    conversation_id: str
    details: bool
    gaps: list[Gap]


class Conversations:
    """
    Every conversation and connection of one person.

    `history` says how many messages before the first one heard of are wanted (None:
    from the beginning); `limit` bounds the messages held of one conversation. What
    is wanted and not here, `missing` lists; whoever drives the store fetches it.
    """

    def __init__(
        self, user_id: str = "", *, history: int | None = None, limit: int = 10_000
    ) -> None:
        self.user_id = user_id
        self.connections: dict[str, Connection] = {}
        self._history = history
        self._limit = limit
        self._threads: dict[str, Thread] = {}
        # Ids in a dict, because it keeps their order: fetched first, shown first.
        self._incomplete: dict[str, None] = {}
        # When this person left which conversation, as far as events told it.
        self._left_at: dict[str, str] = {}

    def apply(self, event: Event) -> bool:
        """
        Take an event, in whatever order and however often it comes.

        Returns whether anything changed; an event that says nothing about this
        store is no change.
        """
        kind, data, at = event["type"], event["data"], event.get("at", "")
        if self._is_over(data, at):
            return False
        match kind:
            case "message.created" | "message.updated" | "message.deleted":
                changed = self._note(data["message"], at=at)
            case "conversation.created" | "conversation.updated":
                changed = self._tell(data["conversation"], at=at)
            case "receipt.read" | "receipt.delivered":
                changed = self._mark(data, is_read=kind == "receipt.read")
            case "participant.joined" | "participant.left":
                changed = self._move(data, at=at, has_joined=kind.endswith("joined"))
            case "reaction.changed":
                changed = self._react(data, at=at)
            case _ if kind.startswith("connection."):
                changed = self._connect(data["connection"])
            case _:
                changed = False
        return changed

    def load_messages(self, messages: Iterable[Message]) -> bool:
        """
        Take messages fetched just now.

        Returns whether anything changed.
        """
        changes = [self._note(each, fetched=True) for each in messages]
        return any(changes)

    def load_conversation(self, conversation: Conversation) -> bool:
        """
        Take a conversation fetched just now.

        Returns whether anything changed.
        """
        return self._tell(conversation, at=None)

    def reload(
        self, conversations: Iterable[Conversation], connections: Iterable[Connection]
    ) -> None:
        """
        Take everything fetched just now, and drop what is not among it.

        Messages held stay; the driver fetches them anew to learn of their edits.
        """
        present = {each["id"]: each for each in conversations}
        for conversation_id in self._threads.keys() - present.keys():
            self.forget(conversation_id)
        for conversation in present.values():
            self.load_conversation(conversation)
        self.connections = {each["id"]: each for each in connections}

    def forget(self, conversation_id: str) -> None:
        """
        Drop a conversation that can no longer be read.
        """
        self._threads.pop(conversation_id, None)
        self._incomplete.pop(conversation_id, None)

    def conversation(self, conversation_id: str) -> Conversation | None:
        """
        Give one conversation in the shape of the contract, None if it is unknown.
        """
        thread = self._threads.get(conversation_id)
        return thread.describe(self.user_id) if thread else None

    def timeline(self, conversation_id: str) -> Timeline | None:
        """
        Give the messages of a conversation, None if it is unknown.
        """
        thread = self._threads.get(conversation_id)
        return thread.timeline if thread else None

    def messages(self, conversation_id: str) -> list[Message]:
        """
        List the messages held of a conversation, oldest first.
        """
        return list(self.timeline(conversation_id) or ())

    def ids(self) -> list[str]:
        """
        List the ids of all conversations, also of those whose details are missing.
        """
        return list(self._threads)

    def listing(self) -> list[Conversation]:
        """
        List the conversations this person takes part in, newest activity first.
        """
        described = [each.describe(self.user_id) for each in self._threads.values()]
        mine = [each for each in described if each and self._is_mine(each)]
        return sorted(
            mine,
            key=lambda each: (
                each["last_message_at"] or each["created_at"],
                each["id"],
            ),
            reverse=True,
        )

    def missing(self) -> list[Missing]:
        """
        List what is known to exist and is not here.
        """
        return [
            Missing(
                thread.id,
                thread.details is None,
                [] if thread.timeline is None else thread.timeline.gaps(),
            )
            for thread in map(self._threads.__getitem__, self._incomplete)
        ]

    def give_up(self, conversation_id: str, gap: Gap) -> None:
        """
        Learn that the server does not give what is still missing of a gap.
        """
        thread = self._threads.get(conversation_id)
        if thread is not None and thread.timeline is not None:
            thread.timeline.give_up(gap)
            self._look_at(thread)

    def snapshot(self) -> dict[str, Any]:
        """
        Give all of it as plain data, to compare two stores or to write one down.
        """
        return {
            "conversations": {
                each: self.conversation(each) for each in sorted(self._threads)
            },
            "messages": {each: self.messages(each) for each in sorted(self._threads)},
            "connections": self.connections,
        }

    def _thread(self, conversation_id: str) -> Thread:
        thread = self._threads.get(conversation_id)
        if thread is None:
            thread = Thread(conversation_id, history=self._history, limit=self._limit)
            self._threads[conversation_id] = thread
            self._look_at(thread)
        return thread

    def _look_at(self, thread: Thread) -> None:
        if thread.is_complete:
            self._incomplete.pop(thread.id, None)
        else:
            self._incomplete[thread.id] = None

    def _is_mine(self, conversation: Conversation) -> bool:
        return any(
            each["user_id"] == self.user_id for each in conversation["participants"]
        )

    def _is_over(self, data: dict[str, Any], at: str) -> bool:
        """
        Tell whether an event is from before this person left, or about what they left.

        Coming back begins with the whole conversation.
        """
        told = data.get("conversation") or data.get("message") or data
        conversation_id = told.get("conversation_id") or told.get("id", "")
        left_at = self._left_at.get(conversation_id)
        if left_at is None:
            return False
        is_back = conversation_id in self._threads or "conversation" in data
        return at <= left_at or not is_back

    def _note(
        self, message: Message, *, at: str | None = None, fetched: bool = False
    ) -> bool:
        thread = self._thread(message["conversation_id"])
        changed = thread.note(message, at=at, fetched=fetched)
        self._look_at(thread)
        return changed

    def _tell(self, conversation: Conversation, *, at: str | None) -> bool:
        thread = self._thread(conversation["id"])
        joined_at = joined(conversation, self.user_id)
        known = joined(thread.details, self.user_id)
        if at is not None and joined_at < known:
            # From before this person left and came back.
            return False
        if known and joined_at > known:
            # They left in between: what may be read of the past is another matter.
            self.forget(conversation["id"])
            thread = self._thread(conversation["id"])
        before = thread.describe(self.user_id)
        thread.tell(conversation, at=at)
        self._look_at(thread)
        return thread.describe(self.user_id) != before

    def _connect(self, connection: Connection) -> bool:
        held = self.connections.get(connection["id"])
        if held is not None and progress_of(held) >= progress_of(connection):
            return False
        self.connections[connection["id"]] = connection
        return True

    def _mark(self, data: dict[str, Any], *, is_read: bool) -> bool:
        thread = self._thread(data["conversation_id"])
        seq = data["seq"]
        if is_read:
            return thread.mark(data["user_id"], seq, seq, data["at"])
        return thread.mark(data["user_id"], 0, seq)

    def _move(self, data: dict[str, Any], *, at: str, has_joined: bool) -> bool:
        conversation_id = data["conversation_id"]
        if data["user_id"] == self.user_id and not has_joined:
            self._left_at[conversation_id] = at
            thread = self._threads.get(conversation_id)
            if thread is None or joined(thread.details, self.user_id) > at:
                return False
            self.forget(conversation_id)
            return True
        return self._thread(conversation_id).move(
            data["user_id"],
            data["participant"] if has_joined else None,
            count=data["participant_count"],
            at=at,
        )

    def _react(self, data: dict[str, Any], *, at: str) -> bool:
        timeline = self._thread(data["conversation_id"]).timeline
        if timeline is None:
            return False
        return timeline.react(data["message_id"], data["reactions"], at)


def joined(conversation: Conversation | None, user_id: str) -> str:
    """
    Tell when somebody came into a conversation, "" where that is not said.
    """
    there = conversation["participants"] if conversation else []
    mine = (each["joined_at"] for each in there if each["user_id"] == user_id)
    return next(mine, None) or ""


def progress_of(connection: Connection) -> tuple[str, int]:
    """
    Rank the states of one connection in the order they happened.
    """
    return connection["updated_at"], PROGRESS.get(connection["status"], 1)
