"""The background loops: doorbells, webhooks, expiry of leases and tasks, project documents."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from obstore.exceptions import BaseError as StoreError

from services.review_queue.erasure.service import ProjectErasure
from services.review_queue.lifecycle.expiry import close_expired, expire_leases
from services.review_queue.lifecycle.metrics import QueueMeasurement
from services.review_queue.lifecycle.outcomes.restores import Restores
from services.review_queue.lifecycle.rechecking import Rechecks
from services.review_queue.links.service import LinkService
from services.review_queue.projects.service import ProjectService
from services.review_queue.quality.reviewers.learning import KnownReviewers
from services.review_queue.tables import OutboxRow
from services.review_queue.webhooks.announcing import Announcer
from services.review_queue.webhooks.relay import Relay
from shared import outbox
from shared.db import Database, DatabaseFault
from shared.doorbells import Doorbells, wait_for
from shared.http.access import Services
from shared.logs import cause_of
from shared.loops import Loop
from shared.store_index import IndexWriter

log = structlog.get_logger()

_EXPECTED = (DatabaseFault, StoreError, OSError)
# Commits that come close together are rung for together.
_RELAY_PAUSE_SECONDS = 0.1


def _loop(
    name: str, turn: Callable[[], Awaitable[object]], rest: Callable[[], Awaitable[object]]
) -> Loop:
    return Loop(name, turn, rest, expected=_EXPECTED)


@dataclass
class Worker:
    """The background loops of one process; any number of processes may run on one database."""

    database: Database
    bells: Doorbells
    now: Callable[[], datetime]
    poll_seconds: float
    webhooks: Relay
    announcer: Announcer
    rechecks: Rechecks

    def __post_init__(self) -> None:
        self.measurement = QueueMeasurement(self.database, self.now)
        self._nudged = asyncio.Event()
        self._stopping = asyncio.Event()
        self._published = asyncio.Event()
        self._declared = asyncio.Event()
        self._index: IndexWriter | None = None
        self.loops = [
            _loop("outbox", self.relay, self._until_nudged),
            _loop("leases", self.expire_leases, self._rest),
            _loop("optional_tasks", self.expire_tasks, self._rest),
            # By itself: a store that takes its time holds up nothing else.
            _loop("announcing", self.announce, lambda: self._until(self._published)),
            self.webhooks.loop,
        ]

    def nudge(self) -> None:
        """Relay the outbox at once, not at the next poll."""
        self._nudged.set()
        self.webhooks.nudge()

    def stop(self) -> None:
        """Let `run` return once the work in hand is done: nothing is cut in the middle."""
        for loop in self.loops:
            loop.stop()
        self._stopping.set()
        self._published.set()
        self._declared.set()
        self._nudged.set()
        self.webhooks.stop()
        if self._index is not None:
            self._index.stop()

    async def run(self, services: Services, restores: Restores) -> None:
        """Work until stopped."""
        if self._stopping.is_set():
            return
        publisher, remove = services[ProjectService].publisher, services[ProjectErasure].remove
        self._index = publisher.index
        # What makes up for a crash or an outage alone comes seldom.
        self.loops += [
            _loop("feed_end", restores.look, self._rest_long),
            _loop("project_documents", publisher.publish_behind, self._rest_long),
            publisher.index.loop,
            _loop("known_reviewers", services[KnownReviewers].refresh, self._rest_long),
            _loop("deleted_projects", remove, lambda: self._until(self._declared)),
            _loop("revoked_links", services[LinkService].refresh, self._rest),
        ]
        hearing = self.bells.hearing
        with hearing("versions.*") as self._published, hearing("project.*") as self._declared:
            await asyncio.gather(*(loop.run() for loop in self.loops))
        await self.webhooks.leave()
        # What the last requests wrote; where it fails, another copy or the next start does it.
        for last in (self.relay, restores.keep, publisher.index.finish):
            try:
                await last()
            except Exception as error:  # noqa: BLE001 - the service stops all the same
                log.warning("left_for_the_next_start", cause=cause_of(error))

    async def _until_nudged(self) -> None:
        await asyncio.sleep(_RELAY_PAUSE_SECONDS)
        await self._until(self._nudged)

    async def _rest(self) -> None:
        await self._until_stopped(self.poll_seconds)

    async def _rest_long(self) -> None:
        await self._until_stopped(self.bells.rest_seconds(self.poll_seconds))

    async def _until_stopped(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _until(self, event: asyncio.Event) -> None:
        await wait_for(event, self.bells.rest_seconds(self.poll_seconds))

    async def announce(self) -> int:
        """Have receivers told what the trainer has published; return how many deliveries."""
        if written := await self.announcer.look():
            self.webhooks.nudge()
        return written

    async def relay(self) -> int:
        """Ring what lies in the outbox; return how many rows that were."""
        total, relayed = 0, outbox.RELAY_BATCH
        # What comes meanwhile nudges again: under steady traffic there would be no end to it.
        while relayed == outbox.RELAY_BATCH:
            relayed = await outbox.relay(self.database, OutboxRow, self.bells)
            total += relayed
        return total

    async def expire_tasks(self) -> int:
        """End optional tasks whose time is over; return how many."""
        if closed := await close_expired(self.database, self.rechecks, self.now()):
            self.nudge()
        return closed

    async def expire_leases(self) -> int:
        """Write expired leases into the timelines, and say that their tasks can be had again."""
        if expired := await expire_leases(self.database, self.now()):
            self.nudge()
        return expired
