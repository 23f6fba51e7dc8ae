"""Gigs, jobs and projects with their teams, mirrored here."""

from collections.abc import Collection

from sqlalchemy import exists, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.members import Members
from storage.records import Gig, GigId, KnownGig, OrganizationId
from storage.rows import Rows, is_one_of
from storage.tables import conversations, gig_members, gigs


class Gigs(Rows[Gig]):
    """The gigs that this transaction may see, and their teams."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection, gigs, Gig)
        self.members = Members(connection, gig_members, "gig_id")

    async def known(self, gig: GigId) -> KnownGig | None:
        """Give a gig that concerns this transaction's user or is published."""
        rows = await self._connection.execute(
            text(
                "SELECT id, kind, title, status, deadline, starts_at"
                " FROM callboard.known_gig(:gig)"
            ),
            {"gig": gig},
        )
        row = rows.one_or_none()
        return KnownGig(**row._mapping) if row else None  # noqa: SLF001 - a named tuple's

    async def with_threads_of(
        self, organizations: Collection[OrganizationId]
    ) -> list[GigId]:
        """Name the gigs of these organizations about which there are conversations."""
        rows = await self._connection.execute(
            select(gigs.c.id)
            .where(
                is_one_of(gigs.c.organization_id, organizations),
                exists().where(conversations.c.gig_id == gigs.c.id),
            )
            .order_by(gigs.c.id)
        )
        return [GigId(gig) for gig in rows.scalars()]
