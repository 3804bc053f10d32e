"""Every statement about projects."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import exists, literal, select, update
from sqlalchemy import insert as insert_into
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.review_queue.repository.statements import insert_new, table_of
from services.review_queue.tables import ProjectChangeRow, ProjectRow
from shared.db import UtcDateTime

_changes = table_of(ProjectChangeRow)


async def lock(session: AsyncSession, name: str) -> ProjectRow | None:
    """Return the project, kept from other writers until the transaction ends."""
    # Not the key: rows that refer to the project may still be written.
    statement = select(ProjectRow).where(col(ProjectRow.name) == name)
    statement = statement.with_for_update(key_share=True)
    return (await session.execute(statement)).scalar_one_or_none()


async def insert(session: AsyncSession, row: ProjectRow) -> bool:
    """Insert `row`; False when there is one of its name."""
    return bool(await insert_new(session, ProjectRow, "name", [row.model_dump()]))


async def page(
    session: AsyncSession, *, after: str, limit: int, only: Collection[str] | None
) -> list[ProjectRow]:
    """Return projects by name, after `after`; `only` these, unless it is None."""
    statement = select(ProjectRow).where(col(ProjectRow.name) > after)
    if only is not None:
        statement = statement.where(col(ProjectRow.name).in_(only))
    statement = statement.order_by(col(ProjectRow.name)).limit(limit)
    return list((await session.execute(statement)).scalars())


async def unpublished(session: AsyncSession) -> list[str]:
    """Return the names of projects whose newest revision may not be in the store."""
    statement = select(col(ProjectRow.name)).where(
        col(ProjectRow.published_revision) < col(ProjectRow.revision)
    )
    return list((await session.execute(statement)).scalars())


async def unpublish(session: AsyncSession) -> None:
    """Let every project be published anew, whatever the store has."""
    await session.execute(update(ProjectRow).values(published_revision=0))


async def published(session: AsyncSession) -> dict[str, int]:
    """Return the revision of each project that is in the store, by name."""
    statement = select(col(ProjectRow.name), col(ProjectRow.published_revision)).where(
        col(ProjectRow.published_revision) > 0
    )
    return {row.name: row.published_revision for row in await session.execute(statement)}


async def overlapping(session: AsyncSession) -> list[str]:
    """Return the names of projects that ask more than one person about a task."""
    rows = await session.execute(select(col(ProjectRow.name), col(ProjectRow.spec)))
    return [row.name for row in rows if row.spec["review"]["overlap"] > 1]


async def revisions(session: AsyncSession) -> dict[str, int]:
    """Return every project's newest revision, by name."""
    rows = await session.execute(select(col(ProjectRow.name), col(ProjectRow.revision)))
    return {row.name: row.revision for row in rows}


def record_change(session: AsyncSession, project: str, revision: int, now: datetime) -> None:
    """Write down that a revision of a project is in the store."""
    session.add(ProjectChangeRow(project=project, revision=revision, at=now))


async def record_missing_changes(session: AsyncSession, now: datetime) -> None:
    """Write down the projects whose stored revision is not known here.

    The release before writes nothing down, and may run beside this one.
    """
    projects = table_of(ProjectRow)
    known = exists().where(
        _changes.c.project == projects.c.name,
        _changes.c.revision == projects.c.published_revision,
    )
    missing = select(
        projects.c.name, projects.c.published_revision, literal(now, UtcDateTime())
    ).where(projects.c.published_revision > 0, ~known)
    columns = [_changes.c.project, _changes.c.revision, _changes.c.at]
    await session.execute(insert_into(_changes).from_select(columns, missing))
