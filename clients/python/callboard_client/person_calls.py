"""
What a person asks over HTTP besides people, connections and messages.
"""

from collections.abc import Iterable
from typing import Unpack

from callboard_client.calls import Asked, Call, Listed, Listing, get, part, send
from callboard_client.contract import (
    ChoiceToMake,
    FileLink,
    FoundMessage,
    NotificationPreferences,
    Page,
    Privacy,
    PrivacyChanges,
    QuietHours,
    QuietHoursChanges,
    Reactions,
)
from callboard_client.shapes import Notification

__all__ = ["PersonCalls"]


class PersonCalls:
    """
    Search, reactions, notifications, preferences and links to files.
    """

    @Listed
    def search(
        self, q: str, *, conversation_id: str | None = None
    ) -> Listing[FoundMessage]:
        """
        Walk the messages of one's own conversations that have these words.
        """
        query = {"q": q, "conversation_id": conversation_id}
        return Listing("/v1/messages/search", query)

    @Asked
    def react(self, message_id: str, emoji: str) -> Call[Reactions]:
        """
        Add a reaction to a message.
        """
        return send("PUT", f"/v1/messages/{part(message_id)}/reactions/{part(emoji)}")

    @Asked
    def unreact(self, message_id: str, emoji: str) -> Call[Reactions]:
        """
        Take a reaction of one's own back.
        """
        return send(
            "DELETE", f"/v1/messages/{part(message_id)}/reactions/{part(emoji)}"
        )

    @Listed
    def notifications(
        self,
        *,
        unread: bool | None = None,
        type: str | None = None,  # noqa: A002 - the contract's word
        archived: bool = False,
    ) -> Listing[Notification]:
        """
        Walk what one is shown, the newest first.
        """
        query = {"unread": unread, "type": type, "archived": archived}
        return Listing("/v1/notifications", query)

    @Asked
    def notification_page(
        self,
        *,
        unread: bool | None = None,
        limit: int = 50,
        following: str | None = None,
    ) -> Call[Page[Notification]]:
        """
        Give a page of what one is shown; `following` is the `next` of the one before.
        """
        return get("/v1/notifications", unread=unread, limit=limit, next=following)

    @Asked
    def notification_preferences(self) -> Call[NotificationPreferences]:
        """
        Give of what one is told, where and how often.
        """
        return get("/v1/notification-preferences")

    @Asked
    def choose_notifications(
        self, choices: Iterable[ChoiceToMake]
    ) -> Call[NotificationPreferences]:
        """
        Choose of what one is told; what is left out stays as it is.
        """
        body = {"preferences": list(choices)}
        return send("PUT", "/v1/notification-preferences", body)

    @Asked
    def quiet_hours(self) -> Call[QuietHours]:
        """
        Give when one is not to be disturbed.
        """
        return get("/v1/quiet-hours")

    @Asked
    def change_quiet_hours(
        self, **changes: Unpack[QuietHoursChanges]
    ) -> Call[QuietHours]:
        """
        Choose when one is not to be disturbed; what is left out stays as it is.
        """
        return send("PUT", "/v1/quiet-hours", changes)

    @Asked
    def privacy(self) -> Call[Privacy]:
        """
        Give what others may know of one.
        """
        return get("/v1/privacy")

    @Asked
    def change_privacy(self, **changes: Unpack[PrivacyChanges]) -> Call[Privacy]:
        """
        Choose what others may know of one; what is left out stays as it is.
        """
        return send("PUT", "/v1/privacy", changes)

    @Asked
    def file_link(self, upload_id: str) -> Call[FileLink]:
        """
        Give a link at which an uploaded file can be had by anybody, for minutes.
        """
        return get(f"/v1/uploads/{part(upload_id)}")
