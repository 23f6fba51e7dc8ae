"""What one committed transaction tells, and how it travels between nodes."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

import orjson

from realtime.plain_json import dumps
from storage.records import ConversationId, UserId

# Told to nodes, not to clients: close the sockets of these users.
CLOSE_SESSIONS = "control.close_sessions"
# Likewise: look again how those stand whom this audience watches (`watching.py`).
PRESENCE_CHANGED = "control.presence"
# Likewise: somebody's right to know of others, or theirs of them, may have changed; of
# two users only theirs of each other (`knowing.py`).
RELATIONS_CHANGED = "control.relations"
# Likewise, to nobody: how many counts are wrong, for the metrics (`recount.py`).
COUNTED = "control.counted"


@dataclass(frozen=True, slots=True)
class Told:
    """One event, encoded, with everybody who is to get it."""

    audience: Sequence[UserId]
    kind: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """
    Consecutive messages of one conversation, encoded, `first_seq` first.

    `prev_xid` is the transaction that wrote the message before them, 0 for none: who
    has not seen that one has to wait for it.
    """

    conversation_id: ConversationId
    first_seq: int
    prev_xid: int
    audience: Sequence[UserId]
    payloads: Sequence[bytes]

    @property
    def last_seq(self) -> int:
        """Give the `seq` of the last message."""
        return self.first_seq + len(self.payloads) - 1

    def after(self, prev_xid: int) -> "Run":
        """Give the same run, following another transaction."""
        return replace(self, prev_xid=prev_xid)


@dataclass(frozen=True, slots=True)
class Announcement:
    """
    All that one transaction tells.

    What belongs to none has 0 for `xid`: worth nothing later, it is not in the feed.
    Audiences are always whole: whoever gets a `Told` or a `Run` can deliver it to
    every socket that it holds, and needs nobody else for it. `is_mixed` says that the
    transaction told events and wrote messages, of which the bus may lose one: to have
    heard the events is then not to have heard all.
    """

    xid: int
    told: Sequence[Told] = ()
    runs: Sequence[Run] = ()
    is_mixed: bool = False

    def audience(self) -> set[UserId]:
        """Name everybody who is told something."""
        told = {user for part in self.told for user in part.audience}
        return told.union(user for run in self.runs for user in run.audience)

    def part_for(self, users: Collection[UserId]) -> Self:
        """
        Cut this down to what concerns some of these users.

        All of `told` or nothing, so that a node may take a transaction's id for
        having all of its events; runs one by one, because they carry a `seq`.
        """
        wanted = set(users)
        return type(self)(
            self.xid,
            self.told if _concerns(self.told, wanted) else (),
            [run for run in self.runs if not wanted.isdisjoint(run.audience)],
            self.is_mixed,
        )

    def encode(self) -> bytes:
        """
        Write this for the bus: a line of JSON, then each payload on its own line.

        Payloads are JSON too and so contain no line breaks; the receiver passes them
        on without parsing them.
        """
        head = {
            "xid": self.xid,
            "mixed": self.is_mixed,
            "told": [[told.kind, list(told.audience)] for told in self.told],
            "runs": [
                [
                    run.conversation_id,
                    run.first_seq,
                    run.prev_xid,
                    list(run.audience),
                    len(run.payloads),
                ]
                for run in self.runs
            ],
        }
        payloads = [told.payload for told in self.told]
        payloads += [payload for run in self.runs for payload in run.payloads]
        return b"\n".join([dumps(head), *payloads])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """
        Read what `encode` wrote.

        Raises:
            ValueError: It is something else.
        """
        first, *payloads = data.split(b"\n")
        try:
            head = orjson.loads(first)
            lines = iter(payloads)
            told = [
                Told(_users(audience), kind, next(lines))
                for kind, audience in head["told"]
            ]
            runs = [
                Run(
                    ConversationId(UUID(conversation)),
                    seq,
                    prev,
                    _users(audience),
                    [next(lines) for _ in range(count)],
                )
                for conversation, seq, prev, audience, count in head["runs"]
            ]
            return cls(int(head["xid"]), told, runs, bool(head["mixed"]))
        except (
            AttributeError,
            KeyError,
            TypeError,
            StopIteration,
            RuntimeError,
        ) as error:
            raise ValueError("not an announcement") from error


def _users(ids: Iterable[str]) -> list[UserId]:
    return [UserId(UUID(text)) for text in ids]


def _concerns(told: Sequence[Told], users: set[UserId]) -> bool:
    return any(not users.isdisjoint(part.audience) for part in told)
