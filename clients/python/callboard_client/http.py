"""
The HTTP side of the contract as a person; `platform.py` has that of a backend.

Every call raises `Refused` for an answer of 400 and above, and lets
`httpx.TransportError` through when the server could not be reached.
"""

from collections.abc import AsyncIterator, Iterable
from typing import cast

from callboard_client.calls import LARGEST_PAGE, get, part
from callboard_client.contract import Me, Profile, UserPermission, WritePermission
from callboard_client.errors import ProtocolFault
from callboard_client.person_calls import PersonCalls
from callboard_client.shapes import Connection, Conversation, Json, Message, Page
from callboard_client.uploads import Uploads

__all__ = ["Api"]


class Api(PersonCalls, Uploads):
    """
    What a person can do over HTTP.
    """

    async def me(self) -> Me:
        """
        Give one's own profile, preferences and unread totals.
        """
        return await self.do(get("/v1/me"))

    async def user(self, user_id: str) -> Profile:
        """
        Give the public profile of somebody.
        """
        return await self.do(get(f"/v1/users/{part(user_id)}"))

    async def permissions(self, user_id: str) -> UserPermission:
        """
        Tell whether one may message somebody, why not, and what would unlock it.
        """
        return await self.do(get(f"/v1/users/{part(user_id)}/permissions"))

    async def connections(self, *, status: str | None = None) -> list[Connection]:
        """
        List one's connections, all pages of them.
        """
        found = [each async for each in self.all_of("/v1/connections", status=status)]
        return cast("list[Connection]", found)

    async def request_connection(
        self, user_id: str, *, message: str | None = None
    ) -> Connection:
        """
        Ask somebody for a connection, with a note if there is one.
        """
        body: Json = {"user_id": user_id}
        if message is not None:
            body["message"] = message
        return connection_in(await self.call("POST", "/v1/connections", body=body))

    async def accept_connection(self, connection_id: str) -> Connection:
        """
        Accept what somebody asked of one.
        """
        return await self._settle(connection_id, "accept")

    async def reject_connection(self, connection_id: str) -> Connection:
        """
        Turn down what somebody asked of one.
        """
        return await self._settle(connection_id, "reject")

    async def withdraw_connection(self, connection_id: str) -> Connection:
        """
        Take back what one asked of somebody.
        """
        return await self._settle(connection_id, "withdraw")

    async def remove_connection(self, connection_id: str) -> None:
        """
        End a connection.
        """
        await self.call("DELETE", f"/v1/connections/{part(connection_id)}")

    async def blocks(self) -> list[Json]:
        """
        List whom one has blocked.
        """
        return [each async for each in self.all_of("/v1/blocks")]

    async def block(self, user_id: str) -> None:
        """
        Block somebody.
        """
        await self.call("PUT", f"/v1/blocks/{part(user_id)}")

    async def unblock(self, user_id: str) -> None:
        """
        Lift a block of one's own.
        """
        await self.call("DELETE", f"/v1/blocks/{part(user_id)}")

    async def conversations(
        self, *, kind: str | None = None, status: str | None = None
    ) -> list[Conversation]:
        """
        List one's conversations, newest activity first, all pages of them.
        """
        walk = self.all_of("/v1/conversations", kind=kind, status=status)
        return cast("list[Conversation]", [each async for each in walk])

    async def conversation(self, conversation_id: str) -> Conversation:
        """
        Give one conversation.
        """
        answer = await self.call("GET", f"/v1/conversations/{part(conversation_id)}")
        return cast("Conversation", answer.get("conversation", answer))

    async def open_conversation(
        self, user_ids: Iterable[str], *, kind: str = "direct", **more: object
    ) -> Conversation:
        """
        Open a conversation, or find the direct one there is.
        """
        body = {"kind": kind, "user_ids": list(user_ids), **more}
        answer = await self.call("POST", "/v1/conversations", body=body)
        return cast("Conversation", answer.get("conversation", answer))

    async def conversation_permissions(self, conversation_id: str) -> WritePermission:
        """
        Tell whether one may write in a conversation, and why not.
        """
        return await self.do(
            get(f"/v1/conversations/{part(conversation_id)}/permissions")
        )

    async def messages(
        self,
        conversation_id: str,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> Page[Message]:
        """
        Give a page of history: newest first with `before`, oldest first with `after`.
        """
        answer = await self.call(
            "GET",
            f"/v1/conversations/{part(conversation_id)}/messages",
            query={"before": before, "after": after, "limit": limit},
        )
        return cast("Page[Message]", answer)

    async def history(
        self, conversation_id: str, *, after: int = 0, upto: int | None = None
    ) -> AsyncIterator[Message]:
        """
        Walk the messages above `after` in order, as far as `upto` or to the end.
        """
        while upto is None or after < upto:
            page = await self.messages(conversation_id, after=after, limit=LARGEST_PAGE)
            for item in page["items"]:
                if upto is not None and item["seq"] > upto:
                    return
                if item["seq"] <= after:
                    raise ProtocolFault("the history goes in circles")
                after = item["seq"]
                yield item
            if not page["items"] or page["next"] is None:
                return

    async def send(
        self, conversation_id: str, *, client_id: str, body: str, **more: object
    ) -> Message:
        """
        Write a message; the same `client_id` again gives the message first stored.
        """
        path = f"/v1/conversations/{part(conversation_id)}/messages"
        body_sent = {"client_id": client_id, "body": body, **more}
        return message_in(await self.call("POST", path, body=body_sent))

    async def edit(self, message_id: str, body: str) -> Message:
        """
        Change the text of a message of one's own.
        """
        path = f"/v1/messages/{part(message_id)}"
        return message_in(await self.call("PATCH", path, body={"body": body}))

    async def delete(self, message_id: str) -> Message | None:
        """
        Delete a message of one's own; gives the tombstone where the server does.
        """
        answer = await self.call("DELETE", f"/v1/messages/{part(message_id)}")
        return message_in(answer) if answer else None

    async def read(self, conversation_id: str, seq: int) -> Json:
        """
        Mark a conversation as read, up to and including a message.
        """
        path = f"/v1/conversations/{part(conversation_id)}/read"
        return await self.call("POST", path, body={"seq": seq})

    async def _settle(self, connection_id: str, verb: str) -> Connection:
        path = f"/v1/connections/{part(connection_id)}/{verb}"
        return connection_in(await self.call("POST", path))


def connection_in(answer: Json) -> Connection:
    """
    Read a connection, bare or under its name.
    """
    return cast("Connection", answer.get("connection", answer))


def message_in(answer: Json) -> Message:
    """
    Read a message, bare or under its name.
    """
    return cast("Message", answer.get("message", answer))
