"""
Which nodes hold sockets of a user, as Redis knows it.

A sorted set a user: the nodes, each with the moment at which its route expires. All
access is by script, for three reasons: one call serves hundreds of users (asking for
200 took 1.4 ms instead of 4.8 ms, most of it saved in this process), what it does is
atomic, and the only clock is the server's, so that the clocks of nodes may differ.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from realtime.redis_link import Command, Link
from storage.records import UserId

Item = TypeVar("Item")

# Users of one script: it keeps the server to itself for about a millisecond.
CHUNK = 500

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
# Expired ones go first: whoever lets its own route expire is told that it was missing.
_STORE = f"""{_NOW}
local missing = 0
for _, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  missing = missing + redis.call('ZADD', key, now + ARGV[2], ARGV[1])
  redis.call('PEXPIRE', key, ARGV[2])
end
return missing
"""
_REMOVE = """
for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end
"""
_FIND = f"""{_NOW}
local found = {{}}
for i, key in ipairs(KEYS) do
  found[i] = redis.call('ZRANGEBYSCORE', key, '(' .. now, '+inf')
end
return found
"""


def chunks(items: Iterable[Item], size: int = CHUNK) -> Iterator[list[Item]]:
    """Cut into lists of a size."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


class Routes:
    """The routes of all nodes, and one node's to write; they last `ttl` seconds."""

    def __init__(self, node: str, ttl: float, *, is_cluster: bool) -> None:
        self._node = node
        self.ttl = ttl
        self._is_cluster = is_cluster

    async def store(self, link: Link, users: Collection[UserId]) -> int:
        """Have a route for each of these users; tell how many had none before."""
        counts = await link.run(
            [
                _call(_STORE, group, self._node, round(self.ttl * 1000))
                for group in self._groups(users)
            ]
        )
        return sum(counts)

    async def remove(self, link: Link, users: Collection[UserId]) -> None:
        """Have no route for these users."""
        await link.run(
            [_call(_REMOVE, group, self._node) for group in self._groups(users)]
        )

    async def find(
        self, link: Link, users: Collection[UserId]
    ) -> dict[str, set[UserId]]:
        """Tell the other nodes that hold sockets of these users, and of which."""
        groups = list(self._groups(users))
        answers = await link.run([_call(_FIND, group) for group in groups])
        found: defaultdict[str, set[UserId]] = defaultdict(set)
        for group, answer in zip(groups, answers, strict=True):
            for user, nodes in zip(group, answer, strict=True):
                for node in nodes:
                    found[node.decode()].add(user)
        found.pop(self._node, None)
        return found

    def _groups(self, users: Collection[UserId]) -> Iterator[list[UserId]]:
        """Cut users into what one script may touch; on a cluster that is one slot."""
        if not self._is_cluster:
            yield from chunks(users)
            return
        by_tag: defaultdict[str, list[UserId]] = defaultdict(list)
        for user in users:
            by_tag[str(user)[-1]].append(user)
        for group in by_tag.values():
            yield from chunks(group)


def _key(user: UserId) -> str:
    """
    Name the routes of a user, in one of 16 slots of a cluster for all users.

    Sixteen are enough to spread over its servers, and few enough for one script to
    serve many users.
    """
    text = str(user)
    return f"callboard:route:{{{text[-1]}}}:{text}"


def _call(script: str, users: Sequence[UserId], *arguments: str | int) -> Command:
    return ("EVAL", script, len(users), *map(_key, users), *arguments)
