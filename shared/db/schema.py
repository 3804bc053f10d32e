"""Which schemas of a database a release can work with, and how one is brought up to date.

A migration's revision is its number, and its file is named by it: `0012_feed_epochs.py`. Migrations
only expand, so that the release before goes on working beside a newer schema. One after which it
cannot names the oldest revision whose release still can: `0015-from-0013`; those after it keep that
part, or name a later one.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

_REVISION = re.compile(r"([0-9]{4})(?:-from-([0-9]{4}))?")

Standing = Literal["current", "behind", "ahead", "unusable"]


@dataclass(frozen=True)
class Schema:
    """The revision that a database is at, None for none, against those that a release knows."""

    current: str | None
    known: Sequence[str]

    @property
    def newest(self) -> str:
        """The newest revision that the release knows."""
        return self.known[-1]

    @property
    def standing(self) -> Standing:
        """Whether the release can work with the schema.

        `ahead` is a newer schema that it can work with, `unusable` one that it cannot.
        """
        if self.current == self.newest:
            return "current"
        if self.current is None or self.current in self.known:
            return "behind"
        found = _REVISION.fullmatch(self.current)
        if found is None or found[1] <= _number(self.newest):
            return "unusable"
        return "ahead" if (found[2] or "") <= _number(self.newest) else "unusable"

    def fault(self, service: str) -> str | None:
        """Say why `service` cannot work with the schema, and what to do; None where it can."""
        match self.standing:
            case "behind":
                at = "has no tables" if self.current is None else f"is at revision {self.current}"
                return f"the database {at}: run `python -m services migrate {service}`"
            case "unusable":
                return (
                    f"the database is at revision {self.current}, which this release (revision"
                    f" {self.newest}) cannot work with: run the release that migrated it"
                )
        return None


class UnusableSchema(Exception):  # noqa: N818 - says what is found
    """The schema of a database is too new for this release."""

    def __init__(self, schema: Schema) -> None:
        super().__init__(schema.current)
        self.schema = schema


def known_revisions(scripts: Path) -> list[str]:
    """Return the revisions in the Alembic folder `scripts`, oldest first."""
    return sorted(file.name.partition("_")[0] for file in (scripts / "versions").glob("[0-9]*.py"))


def _number(revision: str) -> str:
    return revision.partition("-")[0]


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
