"""Organizations and their members, mirrored here."""

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.members import Members
from storage.records import Organization
from storage.rows import Rows
from storage.tables import organization_members, organizations


class Organizations(Rows[Organization]):
    """The organizations that this transaction may see, and who belongs to them."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection, organizations, Organization)
        self.members = Members(connection, organization_members, "organization_id")
