"""What is left of a deleted project: its rows, and its files in the store.

A project of the same name that was created since gets none of it. Each step may be repeated: the
project's own row is changed last, and until then the next look goes on with what is left.
"""

import structlog

from services.trainer.erasure import repository
from services.trainer.projects.repository import fresh_state, lock_state, read_state
from services.trainer.tables import ProjectState
from shared.contracts.projects import Project
from shared.db import Database, Session
from shared.store import Store, decisions_prefix, project_path, shadow_prefix

log = structlog.get_logger()

_ROWS_AT_ONCE = 5_000
# Of the next project, documents are later than those of the deleted one, and versions have other
# names: a router that missed the deletion takes neither for the other's.
_GOES_ON = {"project", "epoch", "policy_revision", "channels_revision", "next_version"}


def least_revision(project: Project) -> int:
    """Return the lowest `first_revision` of a project whose rows are to be kept."""
    return project.first_revision if project.deleted_at is None else project.revision + 1


async def is_removed(database: Database, project: Project) -> bool:
    """Say whether no rows are left of earlier projects of this name."""
    if least_revision(project) == 1:
        return True
    async with database.reading() as session:
        state = await read_state(session, project.project)
    return state is not None and state.first_revision >= least_revision(project)


async def remove_deleted(database: Database, store: Store, project: Project) -> None:
    """Remove what earlier projects of this name have left.

    Parameters
    ----------
    project : as the store has it, deleted or created anew
    """
    name = project.project
    files = [path for path in await store.files(f"{name}/") if _is_left(path, project)]
    async with database.reading() as session:
        is_known = await read_state(session, name) is not None
    if project.deleted_at is not None and not files and not is_known:
        return
    rows = await _remove_rows(database, store, project)
    for path in files:
        await store.delete(path)
    async with database.transaction() as session:
        if await _is_over(session, store, project):
            return
        state = await lock_state(session, name)
        fresh = fresh_state(name)
        for column in ProjectState.model_fields.keys() - _GOES_ON:
            setattr(state, column, getattr(fresh, column))
        state.first_revision = least_revision(project)
    if rows or files:
        log.info("project_removed", project=name, rows=rows, files=len(files))


async def _remove_rows(database: Database, store: Store, project: Project) -> int:
    """Remove the rows of earlier projects; return how many there were."""
    rows = 0
    for table in repository.OF_PROJECTS:
        removed = _ROWS_AT_ONCE
        while removed == _ROWS_AT_ONCE:
            async with database.transaction() as session:
                if await _is_over(session, store, project):
                    return rows
                removed = await repository.remove_rows(
                    session, table, project.project, _ROWS_AT_ONCE
                )
            rows += removed
    return rows


async def _is_over(session: Session, store: Store, project: Project) -> bool:
    """Say whether earlier rows are all removed, so that those left belong to the next project."""
    state = await lock_state(session, project.project)
    if project.deleted_at is None:
        return state.first_revision >= least_revision(project)
    current = await store.read_document(project_path(project.project), Project)
    return current is not None and current.deleted_at is None


def _is_left(path: str, project: Project) -> bool:
    """Say whether a file belongs to an earlier project."""
    name = project.project
    if path == project_path(name):
        return False
    if project.deleted_at is not None:
        return True
    # Routers may have shipped decisions about the new project: rows of the day on which it was
    # created are told apart when they are read.
    logs = (f"{decisions_prefix(name)}/", f"{shadow_prefix(name)}/")
    day = next((path.removeprefix(log) for log in logs if path.startswith(log)), "")
    return day < f"{project.created_at:%Y-%m-%d}"
