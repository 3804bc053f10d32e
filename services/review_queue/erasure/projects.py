"""Deleting a project: its document says so at once, its rows are removed in the background.

Each step may be repeated: after a crash the next look goes on with what is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.review_queue.activity.recording import record
from services.review_queue.erasure import repository
from services.review_queue.erasure.messages import ProjectDeletion
from services.review_queue.projects import repository as projects
from services.review_queue.projects.service import ProjectService
from services.review_queue.tables import ProjectRow
from shared.contracts.projects import ProjectSpec
from shared.db import Database, Session
from shared.fields.json import JsonField
from shared.problems import Conflict, NotFound, Unprocessable

log = structlog.get_logger()

_ROWS_AT_ONCE = 500
# What is left of the statement: all readers need labels and fields.
_NOTHING = ProjectSpec(labels=["-", "--"], fields={"deleted": JsonField()})


class ProjectNotArchived(Conflict):
    """Only an archived project can be deleted."""

    kind, title = "project-not-archived", "Project is not archived"
    advice = (
        "Archive the project first, with POST …/archive: nothing new comes in then, and it can "
        "still be exported or unarchived. Deleting it is final."
    )


@dataclass(frozen=True)
class ProjectErasure:
    """Deletes projects, for good."""

    database: Database
    projects: ProjectService
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    async def delete(self, name: str, confirm: str) -> ProjectDeletion:
        """Delete an archived project; the same call again changes nothing.

        Returns once project.json says so; the rows are removed by `remove`.

        Raises `NotFound`; `Unprocessable`: `confirm` is not the project's name;
        `ProjectNotArchived`; `Unavailable`: the store is away; the deletion is recorded, and
        reaches the store as soon as it is back.
        """
        async with self.database.transaction() as session:
            row = await projects.lock_name(session, name)
            if row is None:
                raise NotFound("There is no such project.", project=name)
            if confirm != name:
                raise Unprocessable([("/query/confirm", "must be the project's name")])
            if row.deleted_at is None:
                await self._mark(session, row)
            deleted_at = row.deleted_at
            assert deleted_at is not None
        await self.projects.publish(name)
        self.nudge()
        return ProjectDeletion(project=name, deleted_at=deleted_at)

    async def _mark(self, session: Session, row: ProjectRow) -> None:
        now = self.now()
        if row.spec.get("archived_at") is None:
            raise ProjectNotArchived(project=row.name)
        row.spec = _NOTHING.model_dump(mode="json") | {"archived_at": row.spec["archived_at"]}
        row.deleted_at = row.updated_at = now
        row.revision += 1
        await repository.disable_webhooks(session, row.name, now)
        await repository.close_sessions(session, row.name)
        # Of no single project: the log of this one is no longer read.
        record(session, "project.deleted", now, project=None, target=row.name)

    async def remove(self) -> int:
        """Remove rows of deleted projects until none is left; return how many tasks those were."""
        async with self.database.reading() as session:
            names = await repository.being_deleted(session)
        return sum([await self._remove(name) for name in names])

    async def _remove(self, name: str) -> int:
        total = 0
        for remove in (repository.remove_tasks, repository.remove_deliveries):
            removed = _ROWS_AT_ONCE
            while removed:
                async with self.database.transaction() as session:
                    removed = await remove(session, name, _ROWS_AT_ONCE)
                total += removed if remove is repository.remove_tasks else 0
        async with self.database.transaction() as session:
            row = await projects.lock_name(session, name)
            assert row is not None
            # A delivery or a task may have come from a call that was under way.
            if await projects.has_tasks(session, name):
                return total
            await repository.remove_others(session, name)
            row.removed_at = self.now()
        log.info("project_removed", project=name, tasks=total)
        return total
