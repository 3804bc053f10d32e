"""What reviewers and adjudicators see at their desk, and whether a reviewer may begin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from services.review_queue.activity.recording import record
from services.review_queue.desk import repository
from services.review_queue.desk.messages import Case, CaseList, PauseNotice, Progress, Standing
from services.review_queue.lifecycle.repository import claiming
from services.review_queue.lifecycle.states import state_of
from services.review_queue.lifecycle.tasks import repository as tasks
from services.review_queue.lifecycle.tasks.service import position_of
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.answer_cache import AnswerCache
from services.review_queue.quality.gold.repository import pauses, probes
from services.review_queue.tables import TaskRow, VerdictRow
from services.review_queue.tables.people import AcknowledgementRow
from shared.contracts.base import from_stored
from shared.contracts.projects import Project
from shared.db import Database, Session
from shared.http.lists import page_of
from shared.problems import Unprocessable

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
        count = partial(self._count, project)
        waiting, counted_at = await self.open_tasks.of(project, None, count)
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
    acknowledged = await session.get(AcknowledgementRow, (project.project, reviewer))
    read = 0 if acknowledged is None else acknowledged.instructions_revision
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
