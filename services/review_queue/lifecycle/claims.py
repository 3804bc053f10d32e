"""Claiming leases, shared out among the lanes, and waiting for tasks to come."""

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from services.review_queue.lifecycle.assigning import Claim, assign
from services.review_queue.lifecycle.batches import BatchDecision, BatchQueue, BatchScheduler
from services.review_queue.lifecycle.draws import LeaseDraws, suggestion_of
from services.review_queue.lifecycle.lanes import GROUPS, mixed, share_out
from services.review_queue.lifecycle.lease_times import LeaseTimes
from services.review_queue.lifecycle.repository import claiming
from services.review_queue.lifecycle.repository.writing import add_events
from services.review_queue.projects.reading import ProjectCache, current_project, open_project
from services.review_queue.repository.pipelining import Rows, Statement
from shared.contracts.projects import Project
from shared.contracts.tasks import Lease, LeasedTask, LeaseRequest, Leases, Suggestion
from shared.db import Database, Session
from shared.doorbells import Doorbells, Gone, tasks_bell, wait_for
from shared.tracing import record

_TOKEN_BYTES = 32
_MOST = 100
_RETRIES = 3
_RETRY_SECONDS = 0.01


@dataclass(frozen=True)
class Claimant:
    """Who claims in which project at what moment, and until when."""

    project: str
    reviewer: str
    now: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Claimed:
    """What one reviewer got, and the traces of its tasks."""

    leases: Sequence[Lease]
    traces: Sequence[str | None]


def new_lease(
    task: Any, project: Project, suggestion: Suggestion | None, now: datetime, expires_at: datetime
) -> Lease:
    """Return a new lease of a task, whose row `task` is, as its reviewer gets it."""
    return Lease(
        token=secrets.token_urlsafe(_TOKEN_BYTES),
        expires_at=expires_at,
        lease_seconds=(expires_at - now).total_seconds(),
        task=LeasedTask(
            task_id=task.task_id,
            item_id=task.item_id,
            data=task.data,
            metadata=task.item_metadata,
            suggestion=suggestion,
            instructions_revision=project.instructions_revision,
        ),
    )


@dataclass(frozen=True)
class GoldDraw:
    """Leases of gold, how many `others` are to be claimed beside them, and at which `places`."""

    gold: Sequence[Lease]
    others: int
    places: Sequence[bool] = ()

    def mixed_with(self, others: Sequence[Lease]) -> list[Lease]:
        """Return all leases, the gold ones where they were drawn."""
        gold, rest = list(self.gold), list(others)
        mixed = [(gold if is_gold else rest).pop(0) for is_gold in self.places if gold and rest]
        return [*mixed, *gold, *rest]


class DrawsGold(Protocol):
    """What puts gold among the tasks that a reviewer leases."""

    def seems_plain(self, project: str) -> bool:
        """Say whether, as far as is known, there is no gold, and no reviewer is paused."""

    async def is_plain(self, session: Session, project: str) -> bool:
        """Say whether there is no gold, and no reviewer is paused."""

    async def draw(self, session: Session, project: Project, who: Claimant, count: int) -> GoldDraw:
        """Lease gold to the reviewer, as part of `count` tasks; `ReviewerPaused` if paused."""


@dataclass(frozen=True)
class ClaimService:
    """Gives tasks to reviewers, each to one at a time. Claims that wait share a batch."""

    database: Database
    bells: Doorbells
    scheduler: BatchScheduler
    projects: ProjectCache
    times: LeaseTimes
    gold: DrawsGold
    draws: LeaseDraws
    now: Callable[[], datetime]
    poll_seconds: float
    _queues: dict[str, BatchQueue[Claim, Claimed]] = field(default_factory=dict)

    async def lease(self, project: str, reviewer: str, request: LeaseRequest, gone: Gone) -> Leases:
        """Lease up to `count` tasks to `reviewer`; wait for the first one, if asked to.

        Raises `NotFound` (there is no such project), `ProjectArchived` and `ReviewerPaused` (the
        reviewer gets no tasks in it).
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + request.wait_seconds
        with self.bells.hearing(tasks_bell(project)) as rung:
            leases = await self._claim(project, reviewer, request.count)
            for _ in range(_RETRIES):
                if leases or not await self._anything(project, reviewer):
                    break
                # Another call had it locked for a moment, to write its expiry down, say.
                await asyncio.sleep(_RETRY_SECONDS)
                leases = await self._claim(project, reviewer, request.count)
            if not leases:
                async with self.database.reading() as session:
                    await open_project(session, project)
            while not leases and (left := deadline - loop.time()) > 0:
                await wait_for(rung, min(self.poll_seconds, left))
                # A lease for a client that has left would keep the task from all others.
                if await gone():
                    break
                if await self._anything(project, reviewer):
                    leases = await self._claim(project, reviewer, request.count)
        return Leases(leases=list(leases))

    async def _anything(self, project: str, reviewer: str) -> bool:
        async with self.database.reading() as session:
            now = self.now()
            return await claiming.claimable_number(session, project, reviewer, now, 1) > 0

    async def _claim(self, project: str, reviewer: str, count: int) -> Sequence[Lease]:
        began, claim = time.time(), Claim(reviewer, count)
        queue = self._queues.get(project) or await self._queue_of(project)
        # Drawing gold takes several statements: a batch would keep other calls waiting for them.
        together = self.gold.seems_plain(project)
        claimed = await (queue(claim) if together else queue.alone(claim))
        if claimed.leases:
            # Only now: a call that waits would make a span each time it finds nothing.
            record(
                "lease",
                "server",
                since=began,
                links=claimed.traces,
                project=project,
                tasks=len(claimed.leases),
            )
        return claimed.leases

    async def _queue_of(self, project: str) -> BatchQueue[Claim, Claimed]:
        async with self.database.reading() as session:
            await current_project(session, project)
        if project not in self._queues:
            begin = partial(_ClaimBatch, self, project)
            self._queues[project] = BatchQueue(
                self.scheduler, begin, _MOST, size=lambda claim: claim.count
            )
        return self._queues[project]


@dataclass(frozen=True)
class _ClaimBatch:
    """The claims of one project in one batch."""

    service: ClaimService
    project: str
    calls: Sequence[Claim]
    now: datetime
    is_alone: bool

    def reading(self, session: Session) -> Statement:
        """Find free tasks."""
        plan = share_out(sum(claim.count for claim in self.calls), self.service.draws.chance)
        reviewers = [one.reviewer for one in self.calls]
        return claiming.free(session, self.project, reviewers, plan, self.now)

    async def decide(self, session: Session, rows: Rows) -> BatchDecision[Claimed]:
        """Give the tasks to the calls, and gold among them."""
        if not self.is_alone and not await self.service.gold.is_plain(session, self.project):
            return BatchDecision([None] * len(self.calls), [])
        if rows:
            revision = rows[0].project_revision
            project = await self.service.projects.at(session, self.project, revision)
        elif self.is_alone:
            # No row says whether the project has changed, and there may be gold.
            project = await current_project(session, self.project)
        else:
            return BatchDecision([Claimed([], [])] * len(self.calls), [])
        if project.archived_at is not None:
            return BatchDecision([Claimed([], [])] * len(self.calls), [])
        expires_at = self.now + await self.service.times.of(session, project)
        draws = []
        for claim in self.calls:
            who = Claimant(self.project, claim.reviewer, self.now, expires_at)
            draws.append(await self.service.gold.draw(session, project, who, claim.count))
        return await self._give(session, project, rows, draws, expires_at)

    async def _give(
        self,
        session: Session,
        project: Project,
        rows: Rows,
        draws: Sequence[GoldDraw],
        expires_at: datetime,
    ) -> BatchDecision[Claimed]:
        wanted = [
            Claim(claim.reviewer, draw.others)
            for claim, draw in zip(self.calls, draws, strict=True)
        ]
        given = assign(_in_order(rows, self.service.draws.chance), wanted)
        # A task was not for them: there may be others behind it, which a batch of one finds.
        left_over = not self.is_alone and sum(map(len, given)) < len(rows)
        answers: list[Claimed | None] = []
        leased: list[dict[str, Any]] = []
        again = []
        for claim, draw, mine in zip(wanted, draws, given, strict=True):
            if left_over and len(mine) < claim.count:
                answers.append(None)
                continue
            leases = [self._lease_of(row, project, expires_at) for row in mine]
            answers.append(Claimed(draw.mixed_with(leases), [row.trace for row in mine]))
            leased += [
                _row_of(row, one, claim.reviewer, self.now)
                for row, one in zip(mine, leases, strict=True)
            ]
            again += [row.task_id for row in mine if row.lease_number > 0]
        if again:
            await add_events(session, await claiming.end_expired(session, again, self.now))
        return BatchDecision(answers, claiming.lease(session, leased))

    def _lease_of(self, row: Any, project: Project, expires_at: datetime) -> Lease:
        is_evidence, draws = row.lane_group == "evidence", self.service.draws
        shown = not is_evidence and draws.shows_suggestion(row.task_id, project.review)
        suggestion = suggestion_of(row.prediction) if shown else None
        return new_lease(row, project, suggestion, self.now, expires_at)


def _in_order(rows: Rows, chance: random.Random) -> list[Any]:
    """Return the tasks in the order in which they are given: groups are mixed by lot."""
    shared = [row for row in rows if row.place == claiming.SHARED]
    groups = [[row for row in shared if row.lane_group == group] for group in GROUPS]
    own = [row for row in rows if row.place == claiming.OWN]
    put_off = [row for row in rows if row.place == claiming.PUT_OFF]
    return [*own, *mixed(groups, chance), *put_off]


def _row_of(row: Any, lease: Lease, reviewer: str, now: datetime) -> dict[str, Any]:
    return {
        "token": lease.token,
        "task_id": row.task_id,
        "number": row.lease_number + 1,
        "reviewer": reviewer,
        "leased_at": now,
        "expires_at": lease.expires_at,
        "suggestion_shown": lease.task.suggestion is not None,
        "instructions_revision": lease.task.instructions_revision,
    }
