"""Alembic's entry: runs on the connection that `storage.migrate` hands over."""

from alembic import context
from sqlalchemy.dialects.postgresql.base import ischema_names

from storage.tables import SCHEMA, Xid8, metadata

# SQLAlchemy reads the database's tables too, and does not know this type.
ischema_names["xid8"] = Xid8


def _is_ours(_item: object, name: str | None, kind: str, *_rest: object) -> bool:
    """Leave out the partitions of `messages`: metadata knows only their parent."""
    return not (kind == "table" and name and name.startswith("messages_p"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
    include_name=lambda name, kind, parents: kind != "schema" or name == SCHEMA,
    include_object=_is_ours,
    compare_server_default=True,
)

with context.begin_transaction():
    context.run_migrations()
