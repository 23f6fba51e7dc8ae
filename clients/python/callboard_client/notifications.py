"""
What a person is shown, kept up to date by events alone. No I/O.

A notification only moves on, so events may come in any order and any number of times.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from callboard_client.shapes import Event, Notification, Page

__all__ = ["Notifications"]

Place = tuple[str, str]


class Notifications:
    """
    The newest part of somebody's notifications, and how many of all are unread.

    `limit` bounds how many are held; those beyond can be had by loading more. What is
    held and what `unread` says is right from the first `load` on.
    """

    def __init__(self, *, limit: int = 1000) -> None:
        self.is_loaded = False
        self.following: str | None = None
        """Asks for the page behind those that are listed, None where there is none."""
        self.is_cut = False
        """Whether old ones were dropped: more of them come by loading anew only."""
        self._limit = limit
        self._held: dict[str, Notification] = {}
        # What lies before it is held only where it is unread.
        self._oldest: Place | None = None
        # So many unread ones are not held.
        self._beyond = 0

    @property
    def has_more(self) -> bool:
        """
        Whether there are older ones than those listed.
        """
        return self.is_cut or self.following is not None

    @property
    def unread(self) -> int:
        """
        How many wait, of all there are.
        """
        now = datetime.now(UTC)
        return self._beyond + sum(waits(each, now) for each in self._held.values())

    def listing(self) -> list[Notification]:
        """
        List what is held and neither put away nor expired, the newest first.
        """
        now = datetime.now(UTC)
        shown = [
            each
            for each in self._held.values()
            if each["archived_at"] is None
            and not is_over(each, now)
            and not self._is_older(each)
        ]
        return sorted(shown, key=place_of, reverse=True)

    def get(self, notification_id: str) -> Notification | None:
        """
        Give one that is held, None where it is not.
        """
        return self._held.get(notification_id)

    def apply(self, event: Event) -> bool:
        """
        Take an event; one that is of something else, or is not news, changes nothing.
        """
        if event["type"] not in {"notification.created", "notification.updated"}:
            return False
        told: Notification = event["data"]["notification"]
        has_gone = (
            told["id"] not in self._held
            and self._beyond > 0
            and self._is_older(told)
            and not waits(told, datetime.now(UTC))
        )
        if not self._take(told):
            return False
        self._beyond -= has_gone
        self._trim()
        return True

    def load(
        self, newest: Page[Notification], unread: Page[Notification], total: int
    ) -> None:
        """
        Take the first pages of all and of what is unread, and how many are unread.

        Where one page has all that is unread, `total` is not needed.
        """
        self._held.clear()
        self._beyond, self._oldest, self.is_cut = 0, None, False
        self._take_all([*newest["items"], *unread["items"]])
        self._end_at(newest)
        if unread["next"] is not None:
            self._beyond = max(0, total - self.unread)
        self.is_loaded = True
        self._trim()

    def load_more(self, page: Page[Notification]) -> None:
        """
        Take the page that `following` asked for.
        """
        now = datetime.now(UTC)
        unheld = [each for each in page["items"] if each["id"] not in self._held]
        self._beyond = max(0, self._beyond - sum(waits(each, now) for each in unheld))
        self._take_all(page["items"])
        self._end_at(page)
        # Who asks for more wants to have it: room for it is made by asking.
        self._limit = max(self._limit, len(self._held))

    def _end_at(self, page: Page[Notification]) -> None:
        self.following = page["next"]
        items = page["items"]
        self._oldest = place_of(items[-1]) if items and page["next"] else None

    def _take_all(self, items: Iterable[Notification]) -> None:
        for each in items:
            self._take(each)

    def _take(self, told: Notification) -> bool:
        held = self._held.get(told["id"])
        if held is not None and progress_of(held) >= progress_of(told):
            return False
        self._held[told["id"]] = told
        return True

    def _is_older(self, told: Notification) -> bool:
        return self._oldest is not None and place_of(told) < self._oldest

    def _trim(self) -> None:
        """
        Drop what is too much: the oldest that are listed, but nothing that waits.
        """
        if len(self._held) <= self._limit:
            return
        now = datetime.now(UTC)
        in_order = sorted(self._held.values(), key=place_of)
        for each in in_order[: len(in_order) - self._limit]:
            del self._held[each["id"]]
            self._beyond += waits(each, now)
        kept = in_order[-self._limit]
        if not self._is_older(kept):
            self._oldest = place_of(kept)
            self.is_cut = True


def place_of(told: Notification) -> Place:
    """
    Order notifications as the server lists them.
    """
    return told["created_at"], told["id"]


def progress_of(told: Notification) -> tuple[bool, bool, int, bool]:
    """
    Rank the states of one notification in the order they happened.

    It is counted up only while it is unread, and is then to be seen anew.
    """
    return (
        told["archived_at"] is not None,
        told["read_at"] is not None,
        told["count"],
        told["seen_at"] is not None,
    )


def is_over(told: Notification, now: datetime) -> bool:
    """
    Tell whether a notification has expired.
    """
    expires_at = told["expires_at"]
    return expires_at is not None and datetime.fromisoformat(expires_at) <= now


def waits(told: Notification, now: datetime) -> bool:
    """
    Tell whether a notification is counted as unread.
    """
    is_open = told["read_at"] is None and told["archived_at"] is None
    return is_open and not is_over(told, now)
