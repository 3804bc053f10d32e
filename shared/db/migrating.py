"""Bring a schema up to date: one process at a time, by the migrations of a service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import Schema, UnusableSchema, known_revisions

_LOCK = 7_364_928  # arbitrary: one migration of a database at a time
_POLL_SECONDS = 0.2


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at; None where it has no tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revisions = connection.execute(text("SELECT version_num FROM alembic_version"))
    return revisions.scalars().one_or_none()


@contextlib.asynccontextmanager
async def taking_turns(connection: AsyncConnection) -> AsyncIterator[None]:
    """Hold the lock of migrations; SQLite's transaction holds the write lock anyway.

    Nothing waits inside a transaction: a concurrent build of an index waits for all of them.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    attempt = text(f"SELECT pg_try_advisory_lock({_LOCK})")
    while not (await connection.execute(attempt)).scalar_one():
        await connection.rollback()
        await asyncio.sleep(_POLL_SECONDS)
    await connection.commit()
    try:
        yield
    finally:
        # The lock is the connection's, which goes back to the pool.
        await connection.rollback()
        await connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
        await connection.commit()


def migrate(connection: Connection, scripts: Path) -> Schema:
    """As `Database.migrate`, on a connection that is in no transaction on PostgreSQL."""
    schema = Schema(current_revision(connection), known_revisions(scripts))
    if schema.standing == "unusable":
        raise UnusableSchema(schema)
    if schema.standing != "behind":
        return schema
    if connection.dialect.name == "postgresql":
        # Alembic begins and commits one transaction for each migration.
        connection.commit()
    _upgrade(connection, scripts)
    return Schema(schema.newest, schema.known)


def _upgrade(connection: Connection, scripts: Path) -> None:
    from alembic import command  # noqa: PLC0415 - only migrations pay for it
    from alembic.config import Config  # noqa: PLC0415 - likewise

    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
