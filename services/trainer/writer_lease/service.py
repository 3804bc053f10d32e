"""One trainer a project, by a lease that it takes, renews, loses and releases (ADR 18)."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.trainer.tables import ProjectLease, insert_new
from services.trainer.writer_lease import repository
from services.trainer.writer_lease.owners import is_gone
from shared.contracts.certificates import CLOCK_SKEW
from shared.db import Database, DatabaseFault, Session
from shared.loops import Loop

log = structlog.get_logger()

_RENEWALS = 3


class LeaseLost(Exception):  # noqa: N818 - says what happened to the lease
    """Another trainer has taken the project over; nothing was written."""


@dataclass(frozen=True)
class Lease:
    """A project that this trainer has. `fencing` is higher than that of every trainer before it."""

    project: str
    fencing: int
    renew_at: datetime


class Leases:
    """The leases of this trainer, whose name is `owner`, each for `seconds`.

    They last while `renewals` run.
    """

    def __init__(
        self, database: Database, owner: str, seconds: float, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._owner = owner
        self._duration = timedelta(seconds=seconds)
        self._now = now
        self._held: dict[str, Lease] = {}
        self._others: dict[str, str] = {}
        self.renewals = Loop(
            "project_leases",
            self._renew,
            lambda: asyncio.sleep(seconds / _RENEWALS),
            expected=(DatabaseFault, OSError),
        )

    @property
    def seconds(self) -> float:
        """How long a lease lasts that is not renewed."""
        return self._duration.total_seconds()

    def facts(self) -> dict[str, Any]:
        """Say which projects this trainer works for, and which trainer has each other one."""
        return {
            "trainer": self._owner,
            "works_for": sorted(self._held),
            "stands_by_for": dict(sorted(self._others.items())),
        }

    async def hold(self, project: str) -> Lease | None:
        """Return this trainer's lease, taken or renewed; None while another trainer has it."""
        held = self._held.get(project)
        if held is not None and self._now() < held.renew_at:
            return held
        return await self._take(project)

    async def require(self, session: Session, lease: Lease) -> None:
        """Keep the project until the transaction ends; `LeaseLost` when another trainer has it."""
        row = await repository.lock(session, lease.project)
        if row is None or (row.owner, row.fencing) != (self._owner, lease.fencing):
            self._held.pop(lease.project, None)
            raise LeaseLost(lease.project)

    async def release(self) -> None:
        """Release all leases: another trainer takes over at once."""
        if not self._held:
            return
        self._held.clear()
        with contextlib.suppress(DatabaseFault, OSError):
            async with self._database.transaction() as session:
                await repository.release(session, self._owner, self._now())

    def held(self) -> list[str]:
        """Return the projects that this trainer works for."""
        return sorted(self._held, reverse=True)

    async def free(self) -> set[str]:
        """Return the projects of other trainers that this one may take over now."""
        now = self._now()
        latest = now + 2 * self._duration + CLOCK_SKEW
        async with self._database.reading() as session:
            gone = [owner for owner in await repository.owners(session) if is_gone(owner)]
            found = await repository.free(session, gone, now, latest)
        return found - self._held.keys()

    async def _renew(self) -> None:
        """Renew all leases in one statement; another trainer has what is not among them."""
        if not self._held:
            return
        now = self._now()
        async with self._database.transaction() as session:
            ours = await repository.extend(session, self._owner, now + self._duration)
        for project, lease in list(self._held.items()):
            if ours.get(project) == lease.fencing:
                self._held[project] = replace(lease, renew_at=now + self._duration / _RENEWALS)
            else:
                del self._held[project]

    async def _take(self, project: str) -> Lease | None:
        # A trainer that stands by looks again and again: a look must not wait for writers.
        async with self._database.reading() as session:
            row = await session.get(ProjectLease, project)
            if row is not None and not self._is_free(row):
                self._stand_by(project, row.owner)
                return None
        now = self._now()
        async with self._database.transaction() as session:
            first = ProjectLease(project=project, owner=self._owner, fencing=1, expires_at=now)
            await insert_new(session, ProjectLease, [first.model_dump()])
            row = await repository.lock(session, project)
            assert row is not None
            if not self._is_free(row):
                self._stand_by(project, row.owner)
                return None
            if row.owner != self._owner:
                row.owner, row.fencing = self._owner, row.fencing + 1
            row.expires_at = now + self._duration
            fencing = row.fencing
        return self._begin(Lease(project, fencing, now + self._duration / _RENEWALS))

    def _is_free(self, row: ProjectLease) -> bool:
        now = self._now()
        # A lease that ends later was given by a clock that was far ahead; it might stand for years.
        is_current = now < row.expires_at <= now + 2 * self._duration + CLOCK_SKEW
        return row.owner == self._owner or not is_current or is_gone(row.owner)

    def _begin(self, lease: Lease) -> Lease:
        before = self._held.get(lease.project)
        if before is None or before.fencing != lease.fencing:
            log.info("project_taken", project=lease.project, writer=lease.fencing)
        self._others.pop(lease.project, None)
        self._held[lease.project] = lease
        return lease

    def _stand_by(self, project: str, holder: str) -> None:
        self._held.pop(project, None)
        if self._others.get(project) != holder:
            self._others[project] = holder
            log.info("project_left_to_another_trainer", project=project, holder=holder)
