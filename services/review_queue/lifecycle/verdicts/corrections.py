"""Verdicts that come otherwise than by a live lease: undo, and on behalf of a reviewer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.activity.recording import record
from services.review_queue.lifecycle.leases.claims import supersede
from services.review_queue.lifecycle.leases.times import LeaseTimes
from services.review_queue.lifecycle.metrics import VERDICTS
from services.review_queue.lifecycle.outcomes import repository as outcomes
from services.review_queue.lifecycle.outcomes.revisions import open_again, reopen
from services.review_queue.lifecycle.probes.known import is_gold
from services.review_queue.lifecycle.tasks import repository as tasks
from services.review_queue.lifecycle.tasks.service import locked_task
from services.review_queue.lifecycle.timeline import event
from services.review_queue.lifecycle.verdicts import repository
from services.review_queue.lifecycle.verdicts.holding import Held, body_digest, present
from services.review_queue.lifecycle.verdicts.learning import KnownReviewers
from services.review_queue.lifecycle.verdicts.messages import VerdictOnBehalf
from services.review_queue.lifecycle.verdicts.service import progress_of, require_label
from services.review_queue.lifecycle.verdicts.settling import Answered, settled_lines
from services.review_queue.projects.service import current_project
from services.review_queue.tables import OutcomeRow, TaskRow, VerdictRow
from shared.auth import Principal
from shared.contracts.tasks import LeaseProgress, TaskProgress
from shared.db import Database
from shared.problems import Conflict
from shared.tracing import link, note, traced


@dataclass(frozen=True)
class CorrectionService:
    """Takes answers back, and takes in answers that were given elsewhere."""

    database: Database
    times: LeaseTimes
    known: KnownReviewers
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    @traced("undo", kind="server")
    async def undo(self, token: str, who: Principal) -> LeaseProgress:
        """Take back the verdict or skip given under `token`, while nothing has come after it.

        The task waits for the same reviewer as long as a lease lasts, then for anybody. Where it
        was resolved, its outcome gets a revision without a label. The same call again gets the
        same answer.

        Raises
        ------
        NotFound, Forbidden, LeaseExpired
            As for every use of a lease.
        Conflict
            There is nothing to take back, or the task has moved on.
        """
        async with self.database.transaction() as session:
            held = await present(session, token, who, self.now())
            digest = body_digest(None)
            if held.lease.ending == "undo" and (again := await held.repeated("undo", digest)):
                return again
            verdict = await repository.of_lease(session, held.lease)
            if held.lease.ending not in {"verdict", "skip"} or verdict is None:
                raise Conflict(
                    "There is nothing to take back under this lease.", task_id=held.task.task_id
                )
            moved_on = held.task.revision != held.lease.revision_after
            # Others may have had the item as gold; as an ordinary task it would come to them again.
            if moved_on or await is_gold(session, held.task.task_id):
                raise Conflict(
                    "The task has moved on; ask an operator to reopen it.",
                    task_id=held.task.task_id,
                )
            verdict.withdrawn_at = held.now
            outcome = await self._reserve(held, skipped=verdict.skipped)
            held.end("undo", digest, outcome)
            await tasks.add_events(
                session, [event(held.task.task_id, "undone", who.subject, held.now)]
            )
            progress = held.progress(outcome)
        self.nudge()
        return progress

    async def _reserve(self, held: Held, *, skipped: bool) -> OutcomeRow | None:
        project = await current_project(held.session, held.task.project)
        reserve = (held.lease.reviewer, held.now + await self.times.of(held.session, project))
        if skipped:
            held.task.skips -= 1
        if held.task.state == "resolved":
            return await reopen(held.session, held.task, held.now, reserve=reserve)
        if held.task.state == "open":
            open_again(held.session, held.task, reserve=reserve)
        return None

    @traced("verdict", kind="server")
    async def record(
        self, project_name: str, task_id: str, body: VerdictOnBehalf, recorded_by: str
    ) -> TaskProgress:
        """Record a verdict that `body.reviewer` gave elsewhere, e.g. in another tool.

        What that tool had shown is not known, so the verdict does not count as blind.

        Raises
        ------
        NotFound
            No such project, or no such task in it.
        Unprocessable
            The label is not the project's.
        Conflict
            The task is resolved, otherwise than by this same verdict.
        """
        now = self.now()
        async with self.database.transaction() as session:
            project = await current_project(session, project_name)
            task = await locked_task(session, project_name, task_id)
            note(project=project_name)
            link([task.trace])
            require_label(project, body.label)
            if task.state == "resolved":
                return await _repeated(session, task, body)
            if await _cast_before(session, task, body, now):
                return progress_of(task, None)
            await supersede(session, task, now)
            read, reviewers = project.instructions_revision, self.known.of(project)
            session.add(_verdict(task, body, recorded_by, read, now))
            answered = Answered(session, project, task, read, now, reviewers)
            outcome = await answered.by_verdict(body.label, blind=False)
            await tasks.add_events(session, _lines(task, body, recorded_by, outcome, now))
            _note(session, task, body, recorded_by, now)
            progress = progress_of(task, outcome)
        VERDICTS.labels(project_name, "on-behalf").inc()
        self.nudge()
        return progress


def _note(
    session: AsyncSession, task: TaskRow, body: VerdictOnBehalf, recorded_by: str, now: datetime
) -> None:
    record(
        session,
        "task.answered_on_behalf",
        now,
        project=task.project,
        target=task.task_id,
        actor=recorded_by,
        reviewer=body.reviewer,
        label=body.label,
    )


def _verdict(
    task: TaskRow, body: VerdictOnBehalf, recorded_by: str, read: int, now: datetime
) -> VerdictRow:
    return VerdictRow(
        task_id=task.task_id,
        recorded_by=recorded_by,
        skipped=False,
        blind=False,
        instructions_revision=read,
        given_at=now,
        **body.model_dump(),
    )


async def _repeated(session: AsyncSession, task: TaskRow, body: VerdictOnBehalf) -> TaskProgress:
    same = any(
        verdict.reviewer == body.reviewer and verdict.label == body.label
        for verdict in await tasks.standing(session, task.task_id)
    )
    if not same or task.label != body.label:
        raise Conflict(
            "The task is resolved; reopen it first.", task_id=task.task_id, label=task.label
        )
    return progress_of(task, await outcomes.revision(session, task.task_id, task.revision))


async def _cast_before(
    session: AsyncSession, task: TaskRow, body: VerdictOnBehalf, now: datetime
) -> bool:
    """Say whether this very verdict stands already; another of the same reviewer gives way."""
    for verdict in await tasks.standing(session, task.task_id):
        if verdict.reviewer != body.reviewer:
            continue
        if verdict.label == body.label:
            return True
        verdict.withdrawn_at = now
        task.skips -= verdict.skipped
    return False


def _lines(
    task: TaskRow,
    body: VerdictOnBehalf,
    recorded_by: str,
    outcome: OutcomeRow | None,
    now: datetime,
) -> list[dict[str, object]]:
    given = {"label": body.label, "recorded_by": recorded_by}
    lines = [event(task.task_id, "verdict", body.reviewer, now, given)]
    return [*lines, *settled_lines(task, outcome, now)]
