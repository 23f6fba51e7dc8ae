"""
Databases of tests: cloned from a migrated template, emptied and used again.

Only what has the schema of the template, no other connection and little left behind
is used again; everything else is dropped, so that no test can harm the next.
"""

from dataclasses import dataclass
from uuid import uuid4

import asyncpg

from storage.embedded import EmbeddedPostgres

LOGIN = "callboard_server"
TEMPLATE = "callboard_template"

# Dead rows of a large test would slow down those that come after it.
_LARGEST_BYTES = 16 * 1024 * 1024

_TABLES = "relnamespace = 'callboard'::regnamespace"

# Everything that DDL would touch: a changed definition is a new version of its row.
_SCHEMA = f"""
SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
  SELECT 'class' || oid || ':' || xmin FROM pg_class WHERE {_TABLES}
  UNION ALL
  SELECT 'attribute' || attrelid || '.' || attnum || ':' || xmin FROM pg_attribute
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE {_TABLES})
  UNION ALL
  SELECT 'constraint' || oid || ':' || xmin FROM pg_constraint
    WHERE connamespace = 'callboard'::regnamespace
  UNION ALL
  SELECT 'proc' || oid || ':' || xmin FROM pg_proc
    WHERE pronamespace = 'callboard'::regnamespace
  UNION ALL
  SELECT 'policy' || oid || ':' || xmin FROM pg_policy
  UNION ALL
  SELECT 'setting' || setrole || ':' || setconfig::text FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
  UNION ALL
  SELECT 'revision' || version_num FROM callboard.alembic_version
) AS parts(part)
"""

_IS_ALONE = """
SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()
"""

_SIZE = f"""
SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE {_TABLES} AND relkind = 'r'
"""

_EMPTY = f"""
DO $$
DECLARE
  name text;
  has_rows boolean;
BEGIN
  -- Without triggers, so that the order does not matter.
  PERFORM set_config('session_replication_role', 'replica', true);
  FOR name IN SELECT relname FROM pg_class
      WHERE {_TABLES} AND relkind = 'r' AND relname <> 'alembic_version' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM callboard.%I)', name) INTO has_rows;
    IF has_rows THEN
      EXECUTE format('DELETE FROM callboard.%I', name);
    END IF;
  END LOOP;
END
$$
"""


@dataclass(frozen=True)
class TestDatabase:
    """A database of one test: as the server logs in, and as its owner."""

    __test__ = False

    url: str
    admin_url: str
    name: str = ""


class Databases:
    """Lends databases; what was given back clean is lent again."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._spare: list[TestDatabase] = []
        self._schema = ""

    async def lend(self) -> TestDatabase:
        """Give an empty, migrated database."""
        if self._spare:
            return self._spare.pop()
        name = f"test_{uuid4().hex}"
        await self._as_admin(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
        url = self._postgres.url(name)
        if not self._schema:
            owner = await asyncpg.connect(url)
            self._schema = await owner.fetchval(_SCHEMA)
            await owner.close()
        return TestDatabase(self._postgres.url(name, user=LOGIN), url, name)

    async def take_back(self, database: TestDatabase) -> None:
        """Empty a database, or drop it where that is not enough."""
        try:
            owner = await asyncpg.connect(database.admin_url)
        except asyncpg.InvalidCatalogNameError:
            # Its test has dropped or renamed it.
            return
        try:
            is_clean = await self._is_emptied(owner)
        finally:
            await owner.close()
        if is_clean:
            self._spare.append(database)
        else:
            name = database.name
            await self._as_admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _is_emptied(self, owner: asyncpg.Connection) -> bool:
        try:
            if await owner.fetchval(_SCHEMA) != self._schema:
                return False
        except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            return False
        if not await owner.fetchval(_IS_ALONE):
            return False
        await owner.execute(_EMPTY)
        size: int = await owner.fetchval(_SIZE)
        return size < _LARGEST_BYTES

    async def _as_admin(self, statement: str) -> None:
        admin = await asyncpg.connect(self._postgres.url("postgres"))
        try:
            await admin.execute(statement)
        finally:
            await admin.close()
