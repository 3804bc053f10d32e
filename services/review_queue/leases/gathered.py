"""Leases that are asked for together, of one project, in one transaction."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.gathering import Decision, Gathering, Turns
from services.review_queue.gold.postures import Postures
from services.review_queue.leases import bulk
from services.review_queue.leases.assigning import Claim, assign
from services.review_queue.leases.ending import end_expired
from services.review_queue.leases.times import LeaseTimes
from services.review_queue.pipelining import Rows, Statement
from services.review_queue.projects.known import KnownProjects
from services.review_queue.tasks.lanes import Plan, Shares
from services.review_queue.tasks.repository import add_events
from shared.contracts.projects import Project
from shared.contracts.tasks import Lease, LeasedTask

_TOKEN_BYTES = 32
_MOST = 100


@dataclass(frozen=True)
class Claimed:
    """What one got, and the traces of its tasks."""

    leases: list[Lease]
    traces: list[str | None]


class GatheredClaims:
    """Claims for all who ask; None for one that `ClaimService` is to look after by itself.

    That is the way of projects where a task needs several people: who has answered it matters
    then, and the claim of one alone looks at no other. It is the way of projects that draw gold or
    have paused somebody, too.
    """

    def __init__(
        self,
        turns: Turns,
        projects: KnownProjects,
        times: LeaseTimes,
        postures: Postures,
    ) -> None:
        self._turns = turns
        self._postures = postures
        self._projects = projects
        self._times = times
        self._shares: dict[str, Shares] = {}
        self._gatherings: dict[str, Gathering[Claim, Claimed]] = {}

    def shares(self, project: str) -> Shares:
        """Return how the review of a project is shared out among its lanes."""
        return self._shares.setdefault(project, Shares())

    def remember(self, project: Project) -> None:
        """Take note of a project: from now on its claims may be gathered."""
        self._projects.remember(project)

    async def claim(self, project: str, reviewer: str, count: int) -> Claimed | None:
        """Claim up to `count` tasks for `reviewer`, together with all who wait."""
        known, posture = self._projects.last(project), self._postures.last(project)
        if known is None or known.review.overlap > 1 or (posture and not posture.plain):
            return None
        gathering = self._gatherings.get(project)
        if gathering is None:
            gathering = self._gatherings[project] = Gathering(
                self._turns, partial(self._begin, project), _MOST, size=lambda claim: claim.count
            )
        return await gathering(Claim(reviewer, count))

    def _begin(self, project: str, asked: Sequence[Claim], now: datetime) -> "_Part":
        shares = self.shares(project)
        plan = shares.plan(sum(claim.count for claim in asked))
        return _Part(self._projects, self._times, self._postures, shares, project, asked, plan, now)


@dataclass(frozen=True)
class _Part:
    """The claims of one project in one turn."""

    projects: KnownProjects
    times: LeaseTimes
    postures: Postures
    shares: Shares
    project: str
    asked: Sequence[Claim]
    plan: Plan
    now: datetime

    def reading(self, session: AsyncSession) -> Statement:
        """Find free tasks."""
        reviewers = [one.reviewer for one in self.asked]
        return bulk.free(session, self.project, reviewers, self.plan, self.now)

    async def decide(self, session: AsyncSession, rows: Rows) -> Decision[Claimed]:
        """Give the tasks to those who asked."""
        posture = await self.postures.of(session, self.project)
        if rows and posture.plain:
            project = await self.projects.at(session, self.project, rows[0].project_revision)
            if project.review.overlap == 1:
                return await self._give(session, project, rows)
        self._settle([])
        return Decision(
            [Claimed([], []) if posture.plain and not rows else None] * len(self.asked), []
        )

    async def _give(self, session: AsyncSession, project: Project, rows: Rows) -> Decision[Claimed]:
        given = assign(rows, self.asked)
        left_over = sum(map(len, given)) < len(rows)
        # A task was not for them: there may be others behind it.
        alone = [
            left_over and len(mine) < claim.count
            for mine, claim in zip(given, self.asked, strict=True)
        ]
        given = [[] if own else mine for mine, own in zip(given, alone, strict=True)]
        self._settle(given)
        expires_at = self.now + await self.times.of(session, project)
        await _end_expired(session, given, self.now)
        leases = [[lease_of(row, project, expires_at) for row in mine] for mine in given]
        columns = [
            _columns(row, lease, claim.reviewer)
            for claim, rows_of, leases_of in zip(self.asked, given, leases, strict=True)
            for row, lease in zip(rows_of, leases_of, strict=True)
        ]
        answers = [
            None if own else Claimed(mine, [row.trace for row in rows_of])
            for mine, rows_of, own in zip(leases, given, alone, strict=True)
        ]
        writing = bulk.lease(session, columns, self.now, expires_at) if columns else []
        return Decision(answers, writing)

    def _settle(self, given: Sequence[Sequence[Any]]) -> None:
        """Correct the plan; one whose reading failed counts as given, a few leases long."""
        got = [row.lane_group for mine in given for row in mine]
        self.shares.settle(
            self.plan,
            evidence=got.count("evidence"),
            elective=got.count("elective"),
            mandatory=got.count("mandatory"),
        )


async def _end_expired(session: AsyncSession, given: list[list[Any]], now: datetime) -> None:
    again = [row.task_id for mine in given for row in mine if row.lease_number > 0]
    if again:
        await add_events(session, await end_expired(session, again, now))


def _columns(row: Any, lease: Lease, reviewer: str) -> dict[str, Any]:
    return {
        "token": lease.token,
        "task_id": row.task_id,
        "number": row.lease_number + 1,
        "reviewer": reviewer,
        "suggestion_shown": lease.task.suggestion is not None,
        "instructions_revision": lease.task.instructions_revision,
    }


def lease_of(row: Any, project: Project, expires_at: datetime) -> Lease:
    """Return a new lease of a task, as its reviewer gets it."""
    blind = row.lane_group == "evidence" or project.review.blind
    shown = not blind and row.prediction is not None
    return Lease(
        token=secrets.token_urlsafe(_TOKEN_BYTES),
        expires_at=expires_at,
        task=LeasedTask(
            task_id=row.task_id,
            item_id=row.item_id,
            data=row.data,
            metadata=row.item_metadata,
            suggestion=row.prediction["label"] if shown else None,
            instructions_revision=project.instructions_revision,
        ),
    )
