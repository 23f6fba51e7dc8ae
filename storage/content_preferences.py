"""What kind of content people want to see, as the platform's clients ask for it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import UserId
from storage.tables import user_content_preferences

FilterLevel = Literal["strict", "moderate", "lenient"]


@dataclass(frozen=True, slots=True)
class ContentPreference:
    """The choices of a person; what they have not chosen is as it stands here."""

    allow_nsfw_content: bool = False
    show_nsfw_warnings: bool = True
    auto_hide_nsfw: bool = True
    content_filter_level: FilterLevel = "moderate"
    blocked_categories: Sequence[str] = ()


_COLUMNS = [
    user_content_preferences.c[field.name] for field in fields(ContentPreference)
]


class ContentPreferences:
    """The choices that this transaction may see and change."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, user: UserId) -> ContentPreference:
        """Give a user's choices; as a user, only one's own."""
        rows = await self._connection.execute(
            select(*_COLUMNS).where(user_content_preferences.c.user_id == user)
        )
        row = rows.one_or_none()
        if row is None:
            return ContentPreference()
        return ContentPreference(**row._mapping)  # noqa: SLF001 - its columns

    async def put(self, user: UserId, chosen: ContentPreference) -> None:
        """Keep a user's choices."""
        values = asdict(chosen)
        values["blocked_categories"] = list(chosen.blocked_categories)
        statement = insert(user_content_preferences).values(user_id=user, **values)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[user_content_preferences.c.user_id],
                set_=values | {"updated_at": func.now()},
            )
        )
