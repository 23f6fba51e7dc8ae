"""What every table is made of: the metadata, and columns that many have."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    MetaData,
    func,
    text,
)
from sqlalchemy.types import UserDefinedType

SCHEMA = "callboard"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    },
)


class Xid8(UserDefinedType[int]):
    """A full transaction id: 64 bits, never wraps (PostgreSQL's `xid8`)."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """Name the type in DDL."""
        return "xid8"


def instant(name: str, *, nullable: bool = False, now: bool = False) -> Column[object]:
    """Say when, with the zone."""
    return Column(
        name,
        DateTime(timezone=True),
        nullable=nullable,
        server_default=func.now() if now else None,
    )


def xid(name: str, *, nullable: bool = False) -> Column[int]:
    """Say in which transaction."""
    default = None if nullable else text("pg_current_xact_id()")
    return Column(name, Xid8(), nullable=nullable, server_default=default)


def one_of(column: str, *values: str) -> CheckConstraint:
    """Close a set of states."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
