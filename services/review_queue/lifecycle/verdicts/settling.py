"""What a task becomes once somebody has answered: resolved, asked again, or an adjudicator's."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.consensus.overlap import AskOneMore, NextStep, Resolved, next_step
from services.review_queue.consensus.reliability import Reliability
from services.review_queue.lifecycle.leases import repository as leases
from services.review_queue.lifecycle.outcomes.revisions import (
    Ground,
    leave_to_adjudicator,
    open_again,
    resolve,
)
from services.review_queue.lifecycle.tasks.repository import add_events
from services.review_queue.lifecycle.timeline import event
from services.review_queue.lifecycle.verdicts import repository
from services.review_queue.tables import OutcomeRow, TaskRow, VerdictRow
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


async def ground_of(
    session: AsyncSession, task: TaskRow, votes: list[VerdictRow], instructions_revision: int
) -> Ground:
    """Return what a label rests on that these votes make.

    It is not blind once any reviewer has taken a label back: the remaining votes may agree only
    because that opinion is missing.
    """
    blind = all(vote.blind for vote in votes) and not await leases.was_a_label_taken_back(
        session, task.task_id
    )
    return Ground(len(votes), blind, instructions_revision)


# Who has answered since then is taken for one who will.
_LATELY = timedelta(days=7)


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
        return await self._settle(await self._votes())

    async def by_skip(self) -> OutcomeRow | None:
        """Ask somebody else, until `max_overlap` people have skipped it.

        Then the labels that were given decide, or an adjudicator; without any, nobody can answer.
        """
        self.task.skips += 1
        votes = await self._votes()
        if not votes and self._has_enough_skips:
            blind = await repository.all_blind(self.session, self.task.task_id)
            return self._resolve(None, Ground(self.task.skips, blind, self.instructions_revision))
        return await self._settle(votes)

    @property
    def _has_enough_skips(self) -> bool:
        # Skips and votes have a bound each: a skip takes no opinion from the task.
        return self.task.skips >= self.project.review.max_overlap

    async def _is_anybody_left(self, votes: list[VerdictRow]) -> bool:
        """Whether one more may be asked: with skips, it may be more people than there are."""
        if self._has_enough_skips:
            return False
        if len(votes) + self.task.skips < self.project.review.max_overlap:
            return True
        return await repository.is_anybody_else(self.session, self.task, self.now - _LATELY)

    async def _votes(self) -> list[VerdictRow]:
        return await votes_that_count(self.session, self.project, self.task, self.now)

    async def _settle(self, votes: list[VerdictRow]) -> OutcomeRow | None:
        step = self._step(votes, may_ask=True)
        if isinstance(step, AskOneMore) and not await self._is_anybody_left(votes):
            step = self._step(votes, may_ask=False)
        if isinstance(step, Resolved):
            ground = await ground_of(self.session, self.task, votes, self.instructions_revision)
            return resolve(
                self.session, self.task, step.label, ground, self.now, source=step.source
            )
        if isinstance(step, AskOneMore):
            open_again(self.session, self.task)
        else:
            leave_to_adjudicator(self.task)
        return None

    def _step(self, votes: list[VerdictRow], *, may_ask: bool) -> NextStep:
        review = self.project.review
        return next_step(
            [(vote.reviewer, str(vote.label)) for vote in votes],
            overlap=review.overlap,
            max_overlap=review.max_overlap,
            may_ask=may_ask,
            known=self.known,
            sure=review.sure,
        )

    def _resolve(self, label: str | None, ground: Ground) -> OutcomeRow:
        return resolve(self.session, self.task, label, ground, self.now)
