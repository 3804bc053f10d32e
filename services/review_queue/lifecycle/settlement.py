"""When an answer settles a task, and which answers count (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.review_queue.consensus.overlap import AskOneMore, NextStep, Resolved, next_step
from services.review_queue.consensus.reliability import Reliability
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Answer, Ground, History, Task, may_expire
from shared.contracts.projects import Project

# A second opinion makes two reviewers, and a third where these disagree: the majority decides.
_OPINIONS = (2, 3)


def opinions_of(task: Task, project: Project) -> tuple[int, int]:
    """Return how many reviewers the task needs, and how many it may have."""
    if task.second_opinion:
        return _OPINIONS
    return project.review.overlap, project.review.max_overlap


def votes_that_count(change: Change, project: Project, history: History) -> list[Answer]:
    """Return the task's votes; those for a label that the project has no more are withdrawn.

    They would make a label that cannot be given now. Their reviewers may be asked again.
    """
    counted = []
    for vote in history.standing:
        if vote.label in project.labels:
            counted.append(vote)
        elif not vote.skipped:
            change.withdraw(vote)
            change.tell("undone", None, {"reviewer": vote.reviewer, "label": vote.label})
    return counted


def ground_of(votes: Sequence[Answer], history: History, instructions_revision: int) -> Ground:
    """Return what a label rests on that these votes make.

    It is not blind once any reviewer has taken a label back: the remaining votes may agree only
    because that opinion is missing.
    """
    blind = all(vote.blind for vote in votes) and not history.taken_back()
    return Ground(len(votes), blind, instructions_revision)


def may_run_out(task: Task, project: Project, history: History) -> bool:
    """Say whether after one more answer it may matter if other reviewers are left to be asked."""
    if task.second_opinion:
        return True
    votes = sum(not one.skipped for one in history.standing)
    return votes + task.skips + 1 >= project.review.max_overlap > 1


@dataclass(frozen=True)
class Settlement:
    """Decides what a task becomes once a reviewer has answered it, who had `read` instructions.

    `record` adds the answer itself to the change.
    """

    change: Change
    project: Project
    history: History
    read: int
    known: Reliability | None
    record: Callable[[], Answer]

    def by_verdict(self) -> None:
        """Resolve the task, ask one more, or leave it to an adjudicator, as consensus says."""
        if opinions_of(self.change.task, self.project)[0] == 1:
            # One opinion is enough: what others said before it does not matter.
            answer = self.record()
            self.change.resolve(answer.label, Ground(1, answer.blind, self.read))
            return
        votes = votes_that_count(self.change, self.project, self.history)
        self._settle([*votes, self.record()])

    def by_skip(self) -> None:
        """Ask another reviewer, until `max_overlap` of them have skipped the task.

        Then the labels that were given decide, or an adjudicator; without any, the task has none.
        """
        votes = votes_that_count(self.change, self.project, self.history)
        answer = self.record()
        self.change.task.skips += 1
        if votes or not self._has_enough_skips:
            self._settle(votes)
            return
        if may_expire(self.change.task):
            # Reviewers need not answer it: it gets its outcome when its time is over.
            self.change.open_again()
            return
        blind = answer.blind and all(one.blind for one in self.history.standing if one.skipped)
        self.change.resolve(None, Ground(self.change.task.skips, blind, self.read))

    @property
    def _has_enough_skips(self) -> bool:
        # Skips and votes have a bound each: a skip takes no opinion from the task.
        return self.change.task.skips >= self.project.review.max_overlap

    def _is_anybody_left(self, votes: Sequence[Answer]) -> bool:
        """Whether one more may be asked: with skips, it may be more people than there are."""
        if self._has_enough_skips:
            return False
        if self.change.task.second_opinion:
            return self.history.others_answer
        asked = len(votes) + self.change.task.skips
        return asked < self.project.review.max_overlap or self.history.others_answer

    def _settle(self, votes: Sequence[Answer]) -> None:
        step = self._step(votes, may_ask=True)
        if isinstance(step, AskOneMore) and not self._is_anybody_left(votes):
            step = self._step(votes, may_ask=False)
        if isinstance(step, Resolved):
            ground = ground_of(votes, self.history, self.read)
            self.change.resolve(step.label, ground, step.source)
        elif isinstance(step, AskOneMore):
            self.change.open_again()
        else:
            self.change.leave_to_adjudicator()

    def _step(self, votes: Sequence[Answer], *, may_ask: bool) -> NextStep:
        overlap, max_overlap = opinions_of(self.change.task, self.project)
        return next_step(
            [(vote.reviewer, str(vote.label)) for vote in votes],
            overlap=overlap,
            max_overlap=max_overlap,
            may_ask=may_ask,
            known=None if self.change.task.second_opinion else self.known,
            sure=self.project.review.sure,
        )
