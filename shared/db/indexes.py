"""Build indexes of tables in use, in migrations: PostgreSQL writes to them meanwhile."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

_IS_INVALID = sa.text(
    "SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = pg_index.indexrelid"
    " WHERE pg_class.oid = to_regclass(:name) AND NOT pg_index.indisvalid"
)


def build_index(
    name: str, table: str, columns: Sequence[str], *, where: sa.TextClause | None = None
) -> None:
    """Create an index, unless there is a whole one of the name.

    On PostgreSQL it is built concurrently: the table can be written meanwhile. What a build that
    broke off has left is removed first. A migration that calls this commits what it did before, so
    all that it does must be repeatable.
    """
    if op.get_context().dialect.name != "postgresql":
        op.create_index(name, table, list(columns), sqlite_where=where, if_not_exists=True)
        return
    with op.get_context().autocommit_block():
        if op.get_bind().execute(_IS_INVALID, {"name": name}).first() is not None:
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
        op.create_index(
            name,
            table,
            list(columns),
            postgresql_where=where,
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def remove_index(name: str, table: str) -> None:
    """Drop an index where it is; on PostgreSQL without blocking the table. As `build_index`."""
    if op.get_context().dialect.name != "postgresql":
        op.drop_index(name, table, if_exists=True)
        return
    with op.get_context().autocommit_block():
        op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
