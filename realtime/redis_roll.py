"""
Which sessions are there, as Redis knows it.

A hash a user: each session with its status and when it lapses, how the user was last
said to stand (`told`), and when they were last seen. A sorted set of users by when the
next of their sessions lapses (`due`). All access is by script: what it does is atomic,
so each change is told once, by whoever makes it; and the only clock is the server's.
Keys are tagged by a user's last digit, so that on a cluster one script can serve many.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Literal, TypeVar, cast
from uuid import UUID

from realtime.presence import Change, Status
from realtime.protocol import PresenceStatus
from realtime.redis_link import Command, Link
from storage.records import UserId

Item = TypeVar("Item")

# Users of one script: it keeps the server to itself for about a millisecond.
_CHUNK = 200

_TAGS = "0123456789abcdef"

# A user's hash outlives its sessions by as much: by then somebody has settled it.
_KEPT_FACTOR = 10

_HEAD = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rank = {invisible = 0, away = 1, online = 2}
local shown = {[0] = 'offline', 'away', 'online'}
local function write(number) return string.format('%.0f', number) end
local function read(value)
  local status, mark, lapse = string.match(value, '^(%a+) (%d) (%d+)$')
  return status, mark == '1', tonumber(lapse)
end
"""

# `stand` drops what has lapsed, and tells what has changed by it or before.
_STAND = f"""{_HEAD}
local due = KEYS[#KEYS]
local kept = tonumber(ARGV[1])
local is_silent = ARGV[2] == '1'
local changes = {{}}
local function stand(key, user)
  local best, soonest, told, seen = 0, nil, nil, write(now)
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local field, value = all[i], all[i + 1]
    if field == 'told' then told = value
    elseif field == 'seen' then seen = value
    else
      local status, _, lapse = read(value)
      if lapse <= now then redis.call('HDEL', key, field)
      else
        best = math.max(best, rank[status])
        soonest = math.min(soonest or lapse, lapse)
      end
    end
  end
  local status = shown[best]
  if soonest then
    redis.call('HSET', key, 'told', status)
    redis.call('PEXPIRE', key, kept)
    redis.call('ZADD', due, write(soonest), user)
    redis.call('PEXPIRE', due, kept)
  else
    redis.call('DEL', key)
    redis.call('ZREM', due, user)
  end
  if not told and not is_silent then told = 'offline' end
  if told and status ~= told then
    changes[#changes + 1] = {{user, status, seen}}
  end
end
"""

# For each key: user, session, what is done, status, and how long it holds.
_WRITE = f"""{_STAND}
local taken = {{}}
for i = 1, #KEYS - 1 do
  local key, at = KEYS[i], i * 5 - 2
  local user, session, deed = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local status, lapse = ARGV[at + 3], now + ARGV[at + 4]
  local old, is_visible = redis.call('HGET', key, session), rank[status] > 0
  if old then is_visible = is_visible or rank[read(old)] > 0 end
  if deed == 'enter' then
    local place
    local all = redis.call('HGETALL', key)
    for j = 1, #all, 2 do
      if all[j] ~= 'told' and all[j] ~= 'seen' then
        local other, is_lingering, ends = read(all[j + 1])
        if is_lingering and ends > now then
          local worth = rank[other]
          if not place or worth < place.worth then
            place = {{field = all[j], worth = worth}}
          end
        end
      end
    end
    if place then
      redis.call('HDEL', key, place.field)
      if place.worth == 0 then status, is_visible = 'invisible', false end
    end
  end
  local mark = deed == 'leave' and '1' or '0'
  redis.call('HSET', key, session, status .. ' ' .. mark .. ' ' .. write(lapse))
  if is_visible then redis.call('HSET', key, 'seen', write(now)) end
  stand(key, user)
  taken[i] = status
end
return {{changes, taken}}
"""
# Who asks is noted: whom it does not know any more, the server has forgotten with all.
_DUE = f"""{_HEAD}
local due, nodes = KEYS[1], KEYS[2]
redis.call('ZREMRANGEBYSCORE', nodes, '-inf', write(now - ARGV[2]))
local is_new = redis.call('ZADD', nodes, write(now), ARGV[3])
redis.call('PEXPIRE', nodes, ARGV[2])
local lapsed = redis.call(
  'ZRANGEBYSCORE', due, '-inf', write(now), 'LIMIT', 0, ARGV[1])
return {{is_new, lapsed}}
"""
_SETTLE = f"""{_STAND}
for i = 1, #KEYS - 1 do stand(KEYS[i], ARGV[i + 2]) end
return {{changes}}
"""
_FIND = f"""{_HEAD}
local found = {{}}
for i, key in ipairs(KEYS) do
  local best = 0
  local all = redis.call('HGETALL', key)
  for j = 1, #all, 2 do
    if all[j] ~= 'told' and all[j] ~= 'seen' then
      local status, _, lapse = read(all[j + 1])
      if lapse > now then best = math.max(best, rank[status]) end
    end
  end
  found[i] = shown[best]
end
return found
"""


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be written of a session; it holds for so many seconds."""

    user: UserId
    session: UUID
    kind: Literal["enter", "keep", "leave"]
    status: Status
    seconds: float


@dataclass(frozen=True, slots=True)
class Settled:
    """
    What changed because sessions lapsed, and whether there may be more.

    Where the node is not known any more, a server has forgotten what it wrote.
    """

    changes: Sequence[Change]
    has_more: bool
    is_known: bool


class RedisRoll:
    """The sessions of all nodes; `node` is any name of the one that asks."""

    def __init__(self, node: str, ttl: float) -> None:
        self._node = node
        self._kept = round(ttl * _KEPT_FACTOR * 1000)

    async def write(
        self, link: Link, deeds: Sequence[Deed], *, is_silent: bool
    ) -> tuple[list[Change], list[tuple[Deed, Status]]]:
        """
        Write sessions; give what changed, and the status that each has taken.

        `is_silent` takes users that Redis did not know of for told.
        """
        groups = list(_groups(deeds, lambda deed: deed.user))
        answers = await link.run(
            [self._writing(group, is_silent=is_silent) for group in groups]
        )
        changes: list[Change] = []
        taken: list[tuple[Deed, Status]] = []
        for group, (changed, statuses) in zip(groups, answers, strict=True):
            changes += map(_change, changed)
            taken += zip(
                group, (cast("Status", each.decode()) for each in statuses), strict=True
            )
        return changes, taken

    async def settle(self, link: Link) -> Settled:
        """End what has lapsed, on any node."""
        asked = (_CHUNK, self._kept, self._node)
        due = await link.run(
            [("EVAL", _DUE, 2, _due(tag), _nodes(tag), *asked) for tag in _TAGS]
        )
        users = [
            [UserId(UUID(user.decode())) for user in lapsed]
            for _, lapsed in due
            if lapsed
        ]
        answers = await link.run(
            [
                (
                    "EVAL",
                    _SETTLE,
                    len(group) + 1,
                    *map(_key, group),
                    _due(_tag(group[0])),
                    self._kept,
                    0,
                    *map(str, group),
                )
                for group in users
            ]
        )
        changes = [_change(each) for (changed,) in answers for each in changed]
        return Settled(
            changes,
            has_more=any(len(group) == _CHUNK for group in users),
            is_known=not any(is_new for is_new, _ in due),
        )

    async def find(
        self, link: Link, users: Collection[UserId]
    ) -> dict[UserId, PresenceStatus]:
        """Tell how users stand."""
        groups = list(_groups(users, lambda user: user))
        answers = await link.run(
            [("EVAL", _FIND, len(group), *map(_key, group)) for group in groups]
        )
        return {
            user: cast("PresenceStatus", status.decode())
            for group, statuses in zip(groups, answers, strict=True)
            for user, status in zip(group, statuses, strict=True)
        }

    def _writing(self, deeds: Sequence[Deed], *, is_silent: bool) -> Command:
        said: list[str | int] = []
        for deed in deeds:
            said += [str(deed.user), str(deed.session), deed.kind, deed.status]
            said.append(round(deed.seconds * 1000))
        return (
            "EVAL",
            _WRITE,
            len(deeds) + 1,
            *(_key(deed.user) for deed in deeds),
            _due(_tag(deeds[0].user)),
            self._kept,
            int(is_silent),
            *said,
        )


def _groups(
    items: Iterable[Item], user_of: Callable[[Item], UserId]
) -> Iterator[list[Item]]:
    """Cut into what one script may touch, in order."""
    by_tag: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_tag[_tag(user_of(item))].append(item)
    for group in by_tag.values():
        rest = iter(group)
        while chunk := list(islice(rest, _CHUNK)):
            yield chunk


def _tag(user: UserId) -> str:
    return str(user)[-1]


def _key(user: UserId) -> str:
    return f"callboard:presence:{{{_tag(user)}}}:{user}"


def _due(tag: str) -> str:
    return f"callboard:presence:{{{tag}}}:due"


def _nodes(tag: str) -> str:
    return f"callboard:presence:{{{tag}}}:nodes"


def _change(answer: Sequence[bytes]) -> Change:
    user, status, seen = answer
    return Change(
        UserId(UUID(user.decode())),
        cast("PresenceStatus", status.decode()),
        datetime.fromtimestamp(int(seen) / 1000, UTC),
    )
