"""Every statement about projects."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, func, literal, select, update
from sqlalchemy import insert as insert_into

from services.review_queue.repository.statements import fetch, insert_new
from services.review_queue.tables import (
    CHANGES,
    PROJECTS,
    TASKS,
    VERDICTS,
    ProjectChangeRow,
    ProjectRow,
)
from shared.db import Session, UtcDateTime


async def lock(session: Session, name: str) -> ProjectRow | None:
    """Return the project, kept from other writers until the transaction ends."""
    row = await lock_name(session, name)
    return None if row is None or row.deleted_at is not None else row


async def lock_name(session: Session, name: str) -> ProjectRow | None:
    """Return the row of a name likewise, also that of a deleted project."""
    # Not the key: rows that refer to the project may still be written.
    statement = select(ProjectRow).where(PROJECTS.c.name == name)
    statement = statement.with_for_update(key_share=True)
    return (await session.execute(statement)).scalar_one_or_none()


async def has_tasks(session: Session, name: str) -> bool:
    """Say whether the project has a task."""
    statement = select(TASKS.c.task_id).where(TASKS.c.project == name).limit(1)
    return (await session.execute(statement)).first() is not None


async def insert(session: Session, row: ProjectRow) -> bool:
    """Insert `row`; False when there is one of its name."""
    return bool(await insert_new(session, ProjectRow, "name", [row.model_dump()]))


async def page(
    session: Session, *, after: str, limit: int, only: Collection[str] | None
) -> list[ProjectRow]:
    """Return projects by name, after `after`; `only` these, unless it is None."""
    statement = select(ProjectRow).where(PROJECTS.c.name > after, PROJECTS.c.deleted_at.is_(None))
    if only is not None:
        statement = statement.where(PROJECTS.c.name.in_(only))
    statement = statement.order_by(PROJECTS.c.name).limit(limit)
    return list((await session.execute(statement)).scalars())


async def unpublished(session: Session) -> list[str]:
    """Return the names of projects whose newest revision may not be in the store."""
    statement = select(PROJECTS.c.name).where(PROJECTS.c.published_revision < PROJECTS.c.revision)
    return list((await session.execute(statement)).scalars())


async def unpublish(session: Session) -> None:
    """Let every project be published anew, whatever the store has."""
    await session.execute(update(PROJECTS).values(published_revision=0))


async def overlapping(session: Session) -> list[str]:
    """Return the names of projects that ask more than one person about a task."""
    query = select(PROJECTS.c.name, PROJECTS.c.spec)
    rows = await session.execute(query.where(PROJECTS.c.deleted_at.is_(None)))
    return [row.name for row in rows if row.spec["review"]["overlap"] > 1]


async def revisions(session: Session) -> Sequence[Row[Any]]:
    """Return the name, the revision and the published revision of every project."""
    return await fetch(
        session, select(PROJECTS.c.name, PROJECTS.c.revision, PROJECTS.c.published_revision)
    )


def record_change(session: Session, project: str, revision: int, now: datetime) -> None:
    """Write down that a revision of a project is in the store."""
    session.add(ProjectChangeRow(project=project, revision=revision, at=now))


async def record_missing_changes(session: Session, now: datetime) -> None:
    """Write down the projects whose stored revision is not known here.

    The release before writes nothing down, and may run beside this one.
    """
    name, published = PROJECTS.c.name, PROJECTS.c.published_revision
    known = exists().where(CHANGES.c.project == name, CHANGES.c.revision == published)
    missing = select(name, published, literal(now, UtcDateTime())).where(published > 0, ~known)
    columns = [CHANGES.c.project, CHANGES.c.revision, CHANGES.c.at]
    await session.execute(insert_into(CHANGES).from_select(columns, missing))


async def label_uses(
    session: Session, project: str, labels: Collection[str]
) -> dict[str, dict[str, int]]:
    """Return how often those of `labels` that are used are, by label and by use.

    Uses are the `votes` and `suggestions` of open tasks, and the `outcomes` of resolved ones.
    """
    is_open = (TASKS.c.project == project) & (TASKS.c.state == "open")
    is_resolved = (TASKS.c.project == project) & (TASKS.c.state == "resolved")
    voted = VERDICTS.join(TASKS, TASKS.c.task_id == VERDICTS.c.task_id)
    counted = {
        "votes": (VERDICTS.c.label, voted, is_open & VERDICTS.c.withdrawn_at.is_(None)),
        "suggestions": (TASKS.c.prediction["label"].as_string(), TASKS, is_open),
        "outcomes": (TASKS.c.label, TASKS, is_resolved),
    }
    uses: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(counted, 0))
    for use, (label, source, condition) in counted.items():
        statement = select(label.label("name"), func.count().label("times")).select_from(source)
        statement = statement.where(condition, label.in_(labels)).group_by(label)
        for row in await fetch(session, statement):
            uses[row.name][use] = row.times
    return dict(sorted(uses.items()))
