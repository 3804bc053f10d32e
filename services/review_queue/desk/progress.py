"""Progress of the queue and of a reviewer, and the tasks that wait for an adjudicator."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.review_queue.desk import repository
from services.review_queue.desk.messages import Case, CaseList, Progress
from services.review_queue.lifecycle.repository import claiming
from services.review_queue.lifecycle.states import state_of
from services.review_queue.lifecycle.tasks import repository as tasks
from services.review_queue.lifecycle.tasks.service import position_of
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.answer_cache import AnswerCache
from services.review_queue.quality.gold.repository import probes
from services.review_queue.tables import TaskRow, VerdictRow
from shared.contracts.base import from_stored
from shared.db import Database
from shared.http.lists import page_of

# Every page asks after every answer, and the count reads all that is open.
COUNTED_FOR_SECONDS = 3.0


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
            leased = await claiming.held(session, [project], self.now())
            given = await repository.answers_by_label(session, project, reviewer, since)
            taken = await probes.taken(session, project, reviewer, counted_at, day)
            held = await probes.held(session, project, reviewer, self.now())
        skips = sum(count for label, count in given if label is None)
        return Progress(
            open=max(0, waiting - taken),
            leased=held + leased.get(project, 0),
            verdicts=sum(count for _, count in given) - skips,
            skips=skips,
        )

    async def _count(self, project: str) -> tuple[int, datetime]:
        now = self.now()
        async with self.database.reading() as session:
            lanes = await tasks.waiting(session, now, project)
        return sum(lane.open for lane in lanes), now

    async def by_label(self, project: str, reviewer: str) -> list[tuple[str, int]]:
        """Return how often the reviewer gave each label, the most frequent first.

        Raises `NotFound`: there is no such project.
        """
        async with self.database.reading() as session:
            await current_project(session, project)
            given = await repository.answers_by_label(session, project, reviewer, None)
        return [(label, count) for label, count in given if label is not None]

    async def cases(self, name: str, *, after: tuple[datetime, str] | None, limit: int) -> CaseList:
        """Return the project's tasks that are to be adjudicated, oldest first.

        Raises `NotFound`: there is no such project.
        """
        now = self.now()
        async with self.database.reading() as session:
            await current_project(session, name)
            rows = await repository.undecided(session, name, after=after, limit=limit + 1)
            shown, cursor = page_of(rows, limit, position_of)
            answers = await repository.standing_answers(session, [row.task_id for row in shown])
        cases = [_case(row, state_of(row, now), answers[row.task_id]) for row in shown]
        return CaseList(adjudications=cases, cursor=cursor)


def _case(row: TaskRow, state: str, answers: Sequence[VerdictRow]) -> Case:
    said = [answer.model_dump() for answer in answers]
    more = {"state": state, "metadata": row.item_metadata, "answers": said}
    return from_stored(Case, row.model_dump() | more)


async def _unmarked() -> None:
    """Nothing but time makes the count old."""
