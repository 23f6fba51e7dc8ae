"""Applications to gigs, mirrored here."""

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import Application
from storage.rows import Rows
from storage.tables import applications


class Applications(Rows[Application]):
    """The applications that this transaction may see."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection, applications, Application)
