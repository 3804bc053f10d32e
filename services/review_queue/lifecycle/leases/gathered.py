"""Leases that are asked for together, of one project, in one transaction."""

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.lifecycle.batches import BatchQueue, BatchScheduler, Decision
from services.review_queue.lifecycle.leases import bulk
from services.review_queue.lifecycle.leases.assigning import Claim, assign
from services.review_queue.lifecycle.leases.draws import LeaseDraws, suggestion_of
from services.review_queue.lifecycle.leases.ending import end_expired
from services.review_queue.lifecycle.leases.times import LeaseTimes
from services.review_queue.lifecycle.probes.gold_states import GoldStates
from services.review_queue.lifecycle.tasks.lanes import GROUPS, Plan, mixed, share_out
from services.review_queue.lifecycle.tasks.repository import add_events
from services.review_queue.projects.cache import ProjectCache
from services.review_queue.repository.pipelining import Rows, Statement
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
        turns: BatchScheduler,
        projects: ProjectCache,
        times: LeaseTimes,
        gold_states: GoldStates,
        draws: LeaseDraws,
    ) -> None:
        self._turns = turns
        self._postures = gold_states
        self._projects = projects
        self._times = times
        self.draws = draws
        self._gatherings: dict[str, BatchQueue[Claim, Claimed]] = {}

    def remember(self, project: Project) -> None:
        """Take note of a project: from now on its claims may be gathered."""
        self._projects.remember(project)

    async def claim(self, project: str, reviewer: str, count: int) -> Claimed | None:
        """Claim up to `count` tasks for `reviewer`, together with all who wait."""
        known, gold_state = self._projects.last(project), self._postures.last(project)
        if known is None or known.review.overlap > 1 or (gold_state and not gold_state.plain):
            return None
        gathering = self._gatherings.get(project)
        if gathering is None:
            gathering = self._gatherings[project] = BatchQueue(
                self._turns, partial(self._begin, project), _MOST, size=lambda claim: claim.count
            )
        return await gathering(Claim(reviewer, count))

    def _begin(self, project: str, asked: Sequence[Claim], now: datetime) -> "_Part":
        plan = share_out(sum(claim.count for claim in asked), self.draws.chance)
        of_all = (self._projects, self._times, self._postures, self.draws)
        return _Part(*of_all, project, asked, plan, now)


@dataclass(frozen=True)
class _Part:
    """The claims of one project in one turn."""

    projects: ProjectCache
    times: LeaseTimes
    gold_states: GoldStates
    draws: LeaseDraws
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
        gold_state = await self.gold_states.of(session, self.project)
        if rows and gold_state.plain:
            project = await self.projects.at(session, self.project, rows[0].project_revision)
            if project.review.overlap == 1:
                return await self._give(session, project, rows)
        return Decision(
            [Claimed([], []) if gold_state.plain and not rows else None] * len(self.asked), []
        )

    async def _give(self, session: AsyncSession, project: Project, rows: Rows) -> Decision[Claimed]:
        given = assign(_in_order(rows, self.draws.chance), self.asked)
        left_over = sum(map(len, given)) < len(rows)
        # A task was not for them: there may be others behind it.
        alone = [
            left_over and len(mine) < claim.count
            for mine, claim in zip(given, self.asked, strict=True)
        ]
        given = [[] if own else mine for mine, own in zip(given, alone, strict=True)]
        expires_at = self.now + await self.times.of(session, project)
        await _end_expired(session, given, self.now)
        leases = [
            [lease_of(row, project, expires_at, self.draws) for row in mine] for mine in given
        ]
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


def _in_order(rows: Rows, chance: random.Random) -> list[Any]:
    """Return the tasks in the order in which they are given: groups are mixed by lot."""
    shared = [row for row in rows if row.place == bulk.SHARED]
    groups = [[row for row in shared if row.lane_group == group] for group in GROUPS]
    own = [row for row in rows if row.place == bulk.OWN]
    put_off = [row for row in rows if row.place == bulk.PUT_OFF]
    return [*own, *mixed(groups, chance), *put_off]


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


def lease_of(row: Any, project: Project, expires_at: datetime, draws: LeaseDraws) -> Lease:
    """Return a new lease of a task, as its reviewer gets it."""
    blind = row.lane_group == "evidence" or project.review.blind
    shown = not blind and draws.shows_suggestion(row.task_id)
    return Lease(
        token=secrets.token_urlsafe(_TOKEN_BYTES),
        expires_at=expires_at,
        task=LeasedTask(
            task_id=row.task_id,
            item_id=row.item_id,
            data=row.data,
            metadata=row.item_metadata,
            suggestion=suggestion_of(row.prediction) if shown else None,
            instructions_revision=project.instructions_revision,
        ),
    )
