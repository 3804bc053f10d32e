"""Claiming leases, shared out among the lanes, and waiting for tasks to come."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.lifecycle.leases import repository
from services.review_queue.lifecycle.leases.ending import end_expired
from services.review_queue.lifecycle.leases.gathered import Claimed, GatheredClaims, lease_of
from services.review_queue.lifecycle.leases.repository import Claimant
from services.review_queue.lifecycle.leases.times import LeaseTimes
from services.review_queue.lifecycle.probes.drawing import GoldDraws
from services.review_queue.lifecycle.tasks.lanes import LaneGroup, mixed, share_out
from services.review_queue.lifecycle.tasks.repository import add_events
from services.review_queue.lifecycle.timeline import event
from services.review_queue.projects.service import current_project
from services.review_queue.tables import TaskRow
from shared.contracts.projects import Project
from shared.contracts.tasks import Lease, LeaseRequest, Leases
from shared.db import Database
from shared.doorbells import Doorbells, tasks_bell, wait_for
from shared.tracing import record

_RETRIES = 3
_RETRY_SECONDS = 0.01


@dataclass(frozen=True)
class ClaimService:
    """Gives tasks to reviewers, each to one at a time."""

    database: Database
    bells: Doorbells
    times: LeaseTimes
    gathered: GatheredClaims
    now: Callable[[], datetime]
    poll_seconds: float
    gold: GoldDraws

    async def lease(
        self,
        project: str,
        reviewer: str,
        request: LeaseRequest,
        gone: Callable[[], Awaitable[bool]],
    ) -> Leases:
        """Lease up to `count` tasks to `reviewer`; wait for the first one, if asked to.

        Raises
        ------
        NotFound
            There is no such project.
        ReviewerPaused
            The reviewer gets no tasks in it.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + request.wait_seconds
        with self.bells.hearing(tasks_bell(project)) as rung:
            leases = await self._claim(project, reviewer, request.count)
            for _ in range(_RETRIES):
                if leases or not await self._anything(project, reviewer):
                    break
                # Somebody else had it locked for a moment, to write its expiry down, say.
                await asyncio.sleep(_RETRY_SECONDS)
                leases = await self._claim(project, reviewer, request.count)
            while not leases and (left := deadline - loop.time()) > 0:
                await wait_for(rung, min(self.poll_seconds, left))
                # A lease for one who has left would keep the task from all others.
                if await gone():
                    break
                if await self._anything(project, reviewer):
                    leases = await self._claim(project, reviewer, request.count)
        return Leases(leases=leases)

    async def lease_time(self, project: Project) -> timedelta:
        """Return how long a lease lasts that is given now."""
        async with self.database.reading() as session:
            return await self.times.of(session, project)

    async def _anything(self, project: str, reviewer: str) -> bool:
        async with self.database.reading() as session:
            return await repository.anything_claimable(session, project, reviewer, self.now())

    async def _claim(self, project_name: str, reviewer: str, count: int) -> list[Lease]:
        began = time.time()
        claimed = await self.gathered.claim(project_name, reviewer, count)
        if claimed is None:
            claimed = await self._claim_alone(project_name, reviewer, count)
        if claimed.leases:
            # Only now: those who wait would make a span each time they find nothing.
            record(
                "lease",
                "server",
                since=began,
                links=claimed.traces,
                project=project_name,
                tasks=len(claimed.leases),
            )
        return claimed.leases

    async def _claim_alone(self, project_name: str, reviewer: str, count: int) -> Claimed:
        async with self.database.transaction() as session:
            project = await current_project(session, project_name)
            self.gathered.remember(project)
            now = self.now()
            expires_at = now + await self.times.of(session, project)
            who = Claimant(project_name, reviewer, now, expires_at)
            draw = await self.gold.draw(session, project, who, count)
            rows = await self._share_out(session, who, draw.others) if draw.others else []
            leases = [lease_of(row, project, who.expires_at, self.gathered.draws) for row in rows]
            if rows:
                await self._record(session, who, rows, leases)
        return Claimed(draw.mixed_with(leases), [row.trace for row in rows])

    async def _share_out(self, session: AsyncSession, who: Claimant, count: int) -> list[Row[Any]]:
        chance = self.gathered.draws.chance
        own = await repository.claim_own(session, who, count)
        plan = share_out(count - len(own), chance)
        planned: dict[LaneGroup, int] = {
            "evidence": plan.evidence,
            "mandatory": plan.mandatory,
            "elective": plan.elective,
        }
        got: dict[LaneGroup, list[Row[Any]]] = {"evidence": [], "mandatory": [], "elective": []}

        def missing() -> int:
            return plan.count - sum(map(len, got.values()))

        for group, wanted in planned.items():
            if wanted:
                got[group] += await repository.claim(session, who, group, wanted)
        # What one group cannot fill the others do, unless they have just run out too.
        for group in ("mandatory", "evidence", "elective"):
            if missing() and len(got[group]) == planned[group]:
                got[group] += await repository.claim(session, who, group, missing())
        rows = [*own, *mixed(got.values(), chance)]
        if missing():
            rows += await repository.claim_put_off(session, who, missing())
        return rows

    async def _record(
        self,
        session: AsyncSession,
        who: Claimant,
        rows: Sequence[Row[Any]],
        leases: Sequence[Lease],
    ) -> None:
        again = [row.task_id for row in rows if row.lease_number > 1]
        events = await end_expired(session, again, who.now) if again else []
        leased = {"actor": who.reviewer, "at": who.now, "detail": {}}
        events += [{"task_id": row.task_id, "kind": "leased", **leased} for row in rows]
        await repository.add(
            session,
            [
                {
                    "token": lease.token,
                    "task_id": row.task_id,
                    "number": row.lease_number,
                    "reviewer": who.reviewer,
                    "leased_at": who.now,
                    "expires_at": who.expires_at,
                    "suggestion_shown": lease.task.suggestion is not None,
                    "instructions_revision": lease.task.instructions_revision,
                }
                for row, lease in zip(rows, leases, strict=True)
            ],
        )
        await add_events(session, events)


async def supersede(session: AsyncSession, task: TaskRow, now: datetime) -> None:
    """End the lease that holds the task, if any: what follows does not wait for its verdict."""
    lease = await repository.current(session, task)
    if lease is None or lease.ending is not None:
        return
    if lease.expires_at <= now:
        await add_events(session, await end_expired(session, [task.task_id], now))
        return
    lease.ending, lease.ended_at = "superseded", now
    await add_events(session, [event(task.task_id, "superseded", lease.reviewer, now)])
