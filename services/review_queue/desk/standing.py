"""Whether a reviewer may begin: instructions that were read, and pauses."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.activity.recording import record
from services.review_queue.desk import repository
from services.review_queue.desk.messages import PauseNotice, Standing
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.gold.repository import pauses
from services.review_queue.tables.people import AcknowledgementRow
from shared.contracts.projects import Project
from shared.db import Database, Session
from shared.problems import Unprocessable


@dataclass(frozen=True)
class StandingService:
    """Which instructions reviewers have read, and who is paused."""

    database: Database
    now: Callable[[], datetime]

    async def of(self, project: str, reviewer: str) -> Standing:
        """Return where a reviewer stands; `NotFound` when there is no such project."""
        async with self.database.reading() as session:
            document = await current_project(session, project)
            return await _standing(session, document, reviewer)

    async def acknowledge(self, project: str, reviewer: str, revision: int) -> Standing:
        """Note that the reviewer has read this revision of the instructions.

        Raises `NotFound` (there is no such project) and `Unprocessable` (there is no such revision
        yet).
        """
        async with self.database.transaction() as session:
            newest = await current_project(session, project)
            if revision > newest.instructions_revision:
                raise Unprocessable([("/revision", "is newer than the instructions")])
            row = AcknowledgementRow(
                project=project,
                reviewer=reviewer,
                instructions_revision=revision,
                acknowledged_at=self.now(),
            )
            if await repository.acknowledge(session, row):
                record(
                    session,
                    "instructions.read",
                    row.acknowledged_at,
                    project=project,
                    target=str(revision),
                    actor=reviewer,
                )
            return await _standing(session, newest, reviewer)


async def _standing(session: Session, project: Project, reviewer: str) -> Standing:
    read = await repository.acknowledged(session, project.project, reviewer)
    pause = (await pauses.standing(session, project.project, [reviewer])).get(reviewer)
    needs_reading = bool(project.instructions.strip())
    return Standing(
        reviewer=reviewer,
        instructions_revision=project.instructions_revision,
        read_revision=read,
        has_read=not needs_reading or read >= project.instructions_revision,
        pause=None
        if pause is None
        else PauseNotice(reason=pause.reason, paused_at=pause.paused_at),
    )
