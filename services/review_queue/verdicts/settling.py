"""What a task becomes once somebody has answered: resolved, asked again, or an adjudicator's."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.consensus.overlap import AskOneMore, Resolved, next_step
from services.review_queue.consensus.reliability import Reliability
from services.review_queue.models import OutcomeRow, TaskRow, VerdictRow
from services.review_queue.outcomes.revisions import (
    Ground,
    leave_to_adjudicator,
    open_again,
    resolve,
)
from services.review_queue.tasks.repository import add_events
from services.review_queue.timeline import event
from services.review_queue.verdicts import repository
from shared.contracts.projects import Project


def settled_lines(
    task: TaskRow, outcome: OutcomeRow | None, now: datetime
) -> list[dict[str, object]]:
    """Return the lines for the timeline that say what became of the task."""
    if outcome is not None:
        resolved = {"label": outcome.label, "revision": outcome.revision}
        return [event(task.task_id, "resolved", None, now, resolved)]
    return [event(task.task_id, "disputed", None, now)] if task.adjudication else []


async def votes_that_count(
    session: AsyncSession, project: Project, task: TaskRow, now: datetime
) -> list[VerdictRow]:
    """Return the task's votes; those for a label that the project has no more are taken back.

    They would make a label that nobody may give now. Who gave them may be asked again.
    """
    votes = await repository.votes(session, task.task_id)
    gone = [vote for vote in votes if vote.label not in project.labels]
    for vote in gone:
        vote.withdrawn_at = now
    said = [{"reviewer": vote.reviewer, "label": vote.label} for vote in gone]
    await add_events(session, [event(task.task_id, "undone", None, now, one) for one in said])
    return [vote for vote in votes if vote.withdrawn_at is None]


@dataclass(frozen=True)
class Answered:
    """A task that somebody has just answered, by instructions of this revision, at `now`."""

    session: AsyncSession
    project: Project
    task: TaskRow
    instructions_revision: int
    now: datetime
    known: Reliability | None = None

    async def by_verdict(self, label: str, *, blind: bool) -> OutcomeRow | None:
        """Resolve the task, ask one more, or leave it to an adjudicator, as consensus says."""
        if self.project.review.overlap == 1:
            # One opinion is enough: what others said before him need not be read.
            return self._resolve(label, Ground(1, blind, self.instructions_revision))
        votes = await self._votes()
        review = self.project.review
        step = next_step(
            [(vote.reviewer, str(vote.label)) for vote in votes],
            overlap=review.overlap,
            max_overlap=review.max_overlap,
            known=self.known,
            sure=review.sure,
        )
        if isinstance(step, Resolved):
            return resolve(
                self.session,
                self.task,
                step.label,
                self._ground(votes),
                self.now,
                source=step.source,
            )
        self._go_on(votes, may_ask=isinstance(step, AskOneMore))
        return None

    async def by_skip(self) -> OutcomeRow | None:
        """Ask somebody else, until `max_overlap` people were asked.

        Then an adjudicator decides between the labels that were given; without any, nobody can
        answer.
        """
        self.task.skips += 1
        votes = await self._votes()
        if not votes and self.task.skips >= self.project.review.max_overlap:
            blind = await repository.all_blind(self.session, self.task.task_id)
            return self._resolve(None, Ground(self.task.skips, blind, self.instructions_revision))
        self._go_on(votes, may_ask=True)
        return None

    async def _votes(self) -> list[VerdictRow]:
        return await votes_that_count(self.session, self.project, self.task, self.now)

    def _go_on(self, votes: list[VerdictRow], *, may_ask: bool) -> None:
        asked = len(votes) + self.task.skips
        if may_ask and asked < self.project.review.max_overlap:
            open_again(self.session, self.task)
        else:
            leave_to_adjudicator(self.task)

    def _ground(self, votes: list[VerdictRow]) -> Ground:
        blind = all(vote.blind for vote in votes)
        return Ground(len(votes), blind, self.instructions_revision)

    def _resolve(self, label: str | None, ground: Ground) -> OutcomeRow:
        return resolve(self.session, self.task, label, ground, self.now)
