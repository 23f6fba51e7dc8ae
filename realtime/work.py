"""The way in which everybody but the batcher writes: one transaction, then announce."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from storage.records import ApiKeyId, UserId
from storage.unit_of_work import UnitOfWork


class Transactions(Protocol):
    """Begins transactions; what they record is announced once they have committed."""

    def __call__(
        self,
        user: UserId | None = None,
        *,
        key: ApiKeyId | None = None,
        is_snapshot: bool = False,
    ) -> AbstractAsyncContextManager[UnitOfWork]:
        """
        Work in one transaction, as a user or as the service.

        Raises:
            Unavailable: The database is away; where it went away in the moment of
                commit, nobody knows whether that happened.
        """
