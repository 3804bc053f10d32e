"""What goes on beside the requests: bells ring, webhooks go out, leases expire, documents heal."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from obstore.exceptions import BaseError as StoreError
from sqlalchemy.exc import SQLAlchemyError

from services.review_queue.leases import repository as leases
from services.review_queue.leases.ending import end_expired
from services.review_queue.models import OutboxRow
from services.review_queue.outcomes.restores import Restores
from services.review_queue.projects.service import ProjectService
from services.review_queue.tasks.expiry import close_expired
from services.review_queue.tasks.repository import add_events
from services.review_queue.verdicts.learning import KnownReviewers
from services.review_queue.webhooks.announcing import Announcer
from services.review_queue.webhooks.relay import Relay
from shared import outbox
from shared.db import Database
from shared.doorbells import Doorbells, tasks_bell, wait_for
from shared.logs import cause_of

log = structlog.get_logger()

# Commits that come close together are rung for together.
_RELAY_PAUSE_SECONDS = 0.1


class Worker:
    """One background loop a process; any number may run on one database."""

    def __init__(
        self,
        database: Database,
        bells: Doorbells,
        now: Callable[[], datetime],
        poll_seconds: float,
        webhooks: Relay,
        announcer: Announcer,
    ) -> None:
        self._database = database
        self._bells = bells
        self._now = now
        self._poll_seconds = poll_seconds
        self._webhooks = webhooks
        self._announcer = announcer
        self._nudged = asyncio.Event()
        self._stopping = asyncio.Event()

    def nudge(self) -> None:
        """Say that something lies in the outbox: it is relayed at once, not at the next poll."""
        self._nudged.set()
        self._webhooks.nudge()

    def stop(self) -> None:
        """Let `run` return once the work in hand is done: nothing is cut in the middle."""
        self._stopping.set()
        self._nudged.set()
        self._webhooks.stop()

    async def run(
        self, projects: ProjectService, known: KnownReviewers, restores: Restores
    ) -> None:
        """Work until stopped."""
        await self._attempt("feed_end_kept", restores.look)
        await self._attempt("projects_healed", projects.heal)
        await asyncio.gather(
            self._relay_loop(),
            self._upkeep_loop(projects, known, restores),
            self._announcing_loop(),
            self._webhooks.run(),
        )
        await self._attempt("feed_end_kept", restores.keep)

    async def _relay_loop(self) -> None:
        while not self._stopping.is_set():
            await wait_for(self._nudged, self._poll_seconds)
            await self._attempt("outbox_relayed", self.relay)
            await asyncio.sleep(_RELAY_PAUSE_SECONDS)

    async def _upkeep_loop(
        self, projects: ProjectService, known: KnownReviewers, restores: Restores
    ) -> None:
        while not self._stopping.is_set():
            await self._attempt("feed_end_kept", restores.look)
            await self._attempt("leases_expired", self.expire_leases)
            await self._attempt("tasks_expired", self.expire_tasks)
            await self._attempt("projects_published", projects.publish_pending)
            await self._attempt("reviewers_learned", known.refresh)
            await self._rest()

    async def _announcing_loop(self) -> None:
        # By itself: a store that takes its time holds up nothing else.
        while not self._stopping.is_set():
            await self._attempt("changes_announced", self.announce)
            await self._rest()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds):
                await self._stopping.wait()

    async def announce(self) -> int:
        """Have receivers told what the trainer has published; return how many deliveries."""
        if written := await self._announcer.look():
            self._webhooks.nudge()
        return written

    async def _attempt(self, done: str, work: Callable[[], Awaitable[int]]) -> None:
        try:
            count = await work()
        except (SQLAlchemyError, StoreError, OSError) as error:
            log.warning("upkeep_failed", work=done, cause=cause_of(error))
            return
        except Exception:
            # The loop outlives any fault of one round, so that the next round can succeed.
            log.exception("upkeep_failed", work=done)
            return
        if count:
            log.debug(done, count=count)

    async def relay(self) -> int:
        """Ring what lies in the outbox; return how many rows that were."""
        total, relayed = 0, outbox.RELAY_BATCH
        # What comes meanwhile nudges again: under steady traffic there would be no end to it.
        while relayed == outbox.RELAY_BATCH:
            relayed = await outbox.relay(self._database, OutboxRow, self._bells)
            total += relayed
        return total

    async def expire_tasks(self) -> int:
        """Close optional tasks whose time is over; return how many."""
        if closed := await close_expired(self._database, self._now()):
            self.nudge()
        return closed

    async def expire_leases(self) -> int:
        """Write expired leases into the timelines, and say that their tasks can be had again."""
        now = self._now()
        async with self._database.reading() as session:
            overdue = await leases.overdue(session, now)
        if not overdue:
            return 0
        async with self._database.transaction() as session:
            opened = await leases.open_expired(session, overdue, now)
            lines = await end_expired(session, list(opened), now)
            await add_events(session, lines)
            outbox.add(session, OutboxRow, *map(tasks_bell, opened.values()))
        self.nudge()
        return len(lines)
