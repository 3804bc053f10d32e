"""Leases that are asked for together, of one project, in one transaction."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.gathering import Gathering, Turns
from services.review_queue.gold.postures import Postures
from services.review_queue.leases import bulk
from services.review_queue.leases.assigning import Claim, assign
from services.review_queue.leases.ending import end_expired
from services.review_queue.leases.times import LeaseTimes
from services.review_queue.projects.known import KnownProjects
from services.review_queue.tasks.lanes import Shares
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
        now: Callable[[], datetime],
    ) -> None:
        self._turns = turns
        self._postures = postures
        self._projects = projects
        self._times = times
        self._now = now
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
        known = self._projects.last(project)
        if known is None or known.review.overlap > 1 or not self._postures.is_plain(project):
            return None
        gathering = self._gatherings.get(project)
        if gathering is None:
            gathering = self._gatherings[project] = Gathering(
                self._turns, partial(self._give, project), _MOST
            )
        return await gathering(Claim(reviewer, count))

    async def _give(
        self, name: str, session: AsyncSession, claims: Sequence[Claim]
    ) -> Sequence[Claimed | None]:
        now = self._now()
        rows, given = await self._find(session, name, claims, now)
        if not rows:
            return [Claimed([], [])] * len(claims)
        project = await self._projects.at(session, name, rows[0].project_revision)
        if project.review.overlap > 1:
            return [None] * len(claims)
        expires_at = now + await self._times.of(session, project)
        await _end_expired(session, given, now)
        leases = [[lease_of(row, project, expires_at) for row in mine] for mine in given]
        columns = [
            _columns(row, lease, claim.reviewer)
            for claim, rows_of, leases_of in zip(claims, given, leases, strict=True)
            for row, lease in zip(rows_of, leases_of, strict=True)
        ]
        if columns:
            await bulk.lease(session, columns, now, expires_at)
        left_over = len(columns) < len(rows)
        return [
            # A task was not for him: there may be others behind it.
            None if left_over and not mine else Claimed(mine, [row.trace for row in rows_of])
            for mine, rows_of in zip(leases, given, strict=True)
        ]

    async def _find(
        self, session: AsyncSession, name: str, claims: Sequence[Claim], now: datetime
    ) -> tuple[Sequence[Row[Any]], list[list[Row[Any]]]]:
        """Return the tasks that were found, and those of each claim."""
        shares = self.shares(name)
        plan = shares.plan(sum(claim.count for claim in claims))
        given: list[list[Row[Any]]] = []
        try:
            rows = await bulk.free(session, name, [one.reviewer for one in claims], plan, now)
            given = assign(rows, claims, now)
        finally:
            got = [row.lane_group for mine in given for row in mine]
            shares.settle(
                plan,
                evidence=got.count("evidence"),
                elective=got.count("elective"),
                mandatory=got.count("mandatory"),
            )
        return rows, given


async def _end_expired(session: AsyncSession, given: list[list[Row[Any]]], now: datetime) -> None:
    again = [row.task_id for mine in given for row in mine if row.lease_number > 0]
    if again:
        await add_events(session, await end_expired(session, again, now))


def _columns(row: Row[Any], lease: Lease, reviewer: str) -> dict[str, Any]:
    return {
        "token": lease.token,
        "task_id": row.task_id,
        "number": row.lease_number + 1,
        "reviewer": reviewer,
        "suggestion_shown": lease.task.suggestion is not None,
        "instructions_revision": lease.task.instructions_revision,
    }


def lease_of(row: Row[Any], project: Project, expires_at: datetime) -> Lease:
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
