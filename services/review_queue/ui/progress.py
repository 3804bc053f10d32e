"""Progress of the queue and of a reviewer, and the tasks that wait for an adjudicator."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from services.review_queue.lifecycle.repository import claiming
from services.review_queue.lifecycle.states import state_of
from services.review_queue.lifecycle.tasks import repository as tasks
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.answer_cache import AnswerCache
from services.review_queue.quality.gold.repository import probes
from services.review_queue.tables import TaskRow, VerdictRow
from services.review_queue.ui import repository
from shared.contracts.projects import Project
from shared.db import Database

# Every page asks after every answer, and the count reads all that is open.
COUNTED_FOR_SECONDS = 3.0


@dataclass(frozen=True)
class Progress:
    """What waits in the queue, and what one reviewer did since a moment."""

    open: int
    leased: int
    verdicts: int
    skips: int


@dataclass(frozen=True)
class Matter:
    """A task to be adjudicated, with what people said."""

    task: TaskRow
    state: str
    answers: list[VerdictRow]


@dataclass(frozen=True)
class ProgressService:
    """Reads; writes nothing."""

    database: Database
    now: Callable[[], datetime]
    open_tasks: AnswerCache[tuple[int, datetime]] = field(
        default_factory=lambda: AnswerCache(longest_seconds=COUNTED_FOR_SECONDS)
    )

    async def progress(self, project: str, reviewer: str, since: datetime) -> Progress:
        """Return the progress of the queue, and of the reviewer since `since`.

        What is open was counted some seconds ago, once for all who ask; all else is as it is now.
        The reviewer's gold counts as the tasks that it seems to be, and finished gold until the day
        (UTC) ends: a figure that stood still would say which of them are probes.
        """
        async with self.database.reading() as session:
            await current_project(session, project)
        waiting, counted_at = await self.open_tasks.of(
            project, _unmarked, lambda: self._count(project)
        )
        day = counted_at.replace(hour=0, minute=0, second=0, microsecond=0)
        async with self.database.reading() as session:
            leased = await claiming.held_number(session, project, self.now())
            given = await repository.answers_by_label(session, project, reviewer, since)
            taken = await probes.taken(session, project, reviewer, counted_at, day)
            held = await probes.held(session, project, reviewer, self.now())
        skips = sum(count for label, count in given if label is None)
        return Progress(
            open=max(0, waiting - taken),
            leased=held + leased,
            verdicts=sum(count for _, count in given) - skips,
            skips=skips,
        )

    async def _count(self, project: str) -> tuple[int, datetime]:
        now = self.now()
        async with self.database.reading() as session:
            lanes = await tasks.waiting(session, now, project)
        return sum(lane.open for lane in lanes), now

    async def by_label(self, project: str, reviewer: str) -> list[tuple[str, int]]:
        """Return how often the reviewer gave each label, the most frequent first."""
        async with self.database.reading() as session:
            given = await repository.answers_by_label(session, project, reviewer, None)
        return [(label, count) for label, count in given if label is not None]

    async def matters(
        self, name: str, *, after: tuple[datetime, str] | None, limit: int
    ) -> tuple[Project, list[Matter]]:
        """Return the project and its tasks that are to be adjudicated, oldest first."""
        now = self.now()
        async with self.database.reading() as session:
            project = await current_project(session, name)
            rows = await repository.undecided(session, name, after=after, limit=limit)
            answers = await repository.standing_answers(session, [row.task_id for row in rows])
        return project, [Matter(row, state_of(row, now), answers[row.task_id]) for row in rows]


async def _unmarked() -> None:
    """Nothing but time makes the count old."""
