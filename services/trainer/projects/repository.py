"""SQL of the project's row, which is its lock, and of the project's versions and active work."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import defer
from sqlmodel import col

from services.trainer.tables import Certification, ProjectState, Run, Version, insert_new, rows_of
from shared.db import Database, Session

# Columns with an entry for each training label.
_LONG: tuple[Any, ...] = (col(Version.tune), col(Version.gate))


@contextlib.asynccontextmanager
async def locking(database: Database, project: str) -> AsyncIterator[tuple[Session, ProjectState]]:
    """Give a transaction that has locked the project from its beginning, and the project's row."""
    async with database.transaction() as session:
        yield session, await lock_state(session, project)


async def lock_state(session: Session, project: str) -> ProjectState:
    """Return the project's row, locked until the transaction ends; made when there is none."""
    query = select(ProjectState).where(col(ProjectState.project) == project).with_for_update()
    found = (await session.execute(query)).scalar_one_or_none()
    if found is not None:
        return found
    await insert_new(session, ProjectState, [fresh_state(project).model_dump()])
    return (await session.execute(query)).scalar_one()


def fresh_state(project: str) -> ProjectState:
    """Return the row of a project for which nothing was done yet."""
    return ProjectState(
        project=project, pool_seed=secrets.token_hex(16), audit_epoch=secrets.token_hex(16)
    )


async def read_state(session: Session, project: str) -> ProjectState | None:
    """Return the project's row as it is."""
    return await session.get(ProjectState, project)


async def states(session: Session) -> Sequence[ProjectState]:
    """Return the rows of all projects that the trainer has worked for, by name."""
    return await rows_of(session, ProjectState, order=[col(ProjectState.project)])


async def champions(
    session: Session, projects: Collection[str]
) -> dict[str, tuple[ProjectState, Version]]:
    """Return the rows of those of `projects` that have a champion, and the champion, by name.

    Without what training left in the champion's row: `tune` and `gate`.
    """
    query = (
        select(ProjectState, Version)
        .join(
            Version,
            (col(Version.project) == col(ProjectState.project))
            & (col(Version.version) == col(ProjectState.champion)),
        )
        .where(col(ProjectState.project).in_(projects))
        .options(*(defer(column) for column in _LONG))
    )
    rows = (await session.execute(query)).all()
    return {state.project: (state, version) for state, version in rows}


async def in_service(session: Session, project: str | None = None) -> Sequence[Version]:
    """Return the versions of a project, None for all, that are not retired, oldest first."""
    of_project = [] if project is None else [col(Version.project) == project]
    wanted = (col(Version.retired).is_(False), *of_project)
    return await rows_of(session, Version, *wanted, order=[col(Version.number)])


async def active_run(session: Session, project: str) -> Run | None:
    """Return the project's run that is queued or running."""
    query = select(Run).where(
        col(Run.project) == project, col(Run.state).in_(("queued", "running"))
    )
    return (await session.execute(query.limit(1))).scalar_one_or_none()


async def active_runs(session: Session) -> list[tuple[str, str, str]]:
    """Return (project, run id, state) of each run that is queued or running, of all projects."""
    query = select(col(Run.project), col(Run.run_id), col(Run.state)).where(
        col(Run.state).in_(("queued", "running"))
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


async def has_open_certification(session: Session, project: str) -> bool:
    """Say whether a certification waits for verdicts."""
    query = select(col(Certification.certification_id)).where(
        col(Certification.project) == project, col(Certification.state) == "open"
    )
    return (await session.execute(query.limit(1))).first() is not None
