"""Whom a message of a direct conversation is for, asked once and remembered."""

from collections import OrderedDict

from realtime.work import Transactions
from storage.records import ConversationId, UserId

# Direct conversations never change their pair and others never become direct, so what
# is remembered stays true.
_REMEMBERED = 50_000


class Recipients:
    """The other one of each direct conversation, as its two people see it."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._known: OrderedDict[tuple[UserId, ConversationId], UserId | None]
        self._known = OrderedDict()

    async def of(self, sender: UserId, conversation: ConversationId) -> UserId | None:
        """
        Name the recipient; None where it is not direct, or not the sender's.

        Raises:
            Unavailable: The database is away.
        """
        key = (sender, conversation)
        if key not in self._known:
            async with self._transactions(sender) as work:
                other = await work.conversations.other_of(sender, conversation)
            self.remember(sender, conversation, other)
        return self._known[key]

    def known(self, sender: UserId, conversation: ConversationId) -> UserId | None:
        """Name the recipient who was named before; None where that was long ago."""
        return self._known.get((sender, conversation))

    def remember(
        self, sender: UserId, conversation: ConversationId, other: UserId | None
    ) -> None:
        """Take somebody's word for it who has just looked."""
        self._known[sender, conversation] = other
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
