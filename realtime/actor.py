"""Who is acting: a person, or a platform's backend."""

from dataclasses import dataclass

from storage.records import ApiKeyId, UserId


@dataclass(frozen=True, slots=True)
class Actor:
    """A person whose token was good."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform's backend whose key was good."""

    key_id: ApiKeyId
    scopes: frozenset[str]
