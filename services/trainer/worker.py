"""The worker: for each project, read what came, move on what waits, keep the documents true."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from obstore.exceptions import BaseError as StoreError

from services.trainer.datasets.cleaning import clean_snapshots
from services.trainer.documents.repository import in_service
from services.trainer.ledger.service import LedgerReader
from services.trainer.outcomes.service import read_feed
from services.trainer.projects.repository import lock_state
from services.trainer.projects.service import work_bell
from services.trainer.promise.certification import Certifier
from services.trainer.queue_client import QueueAway
from services.trainer.resources import MIGRATIONS, Resources
from services.trainer.runs import service as runs
from services.trainer.runs.execution import execute
from services.trainer.runs.interruption import mark_interrupted, remove_left_folders
from services.trainer.tables import ProjectState
from shared.contracts.projects import Project
from shared.db import DatabaseFault
from shared.doorbells import outcomes_bell, project_bell, wait_for
from shared.loops import Loop
from shared.problems import Unavailable

_EXPECTED = (QueueAway, DatabaseFault, StoreError, OSError)
# A long feed, or a certification of many answers, takes its time.
_SLOW_SECONDS = 120.0
_PARALLEL_RUNS = 2
# Under a stream of verdicts one look serves many of them.
_GATHER_SECONDS = 0.2
_RENEWALS_PER_GRACE = 10
_LONGEST_RENEWAL = timedelta(seconds=60)


class Worker:
    """Works for every project in the store while `working()` lasts."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._certifier = Certifier()
        self._ledger = LedgerReader()
        self._finding = Loop(
            "finding_projects", self._look_for_projects, self._rest, expected=_EXPECTED
        )
        self._found = asyncio.Event()
        self._projects: dict[str, Loop] = {}
        self._working = contextlib.AsyncExitStack()
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._is_tidy = False
        self._slots = asyncio.Semaphore(_PARALLEL_RUNS)
        self.feed_readable = False

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator["Worker"]:
        """Work while the block lasts; runs that it leaves behind are marked as interrupted."""
        try:
            with self._resources.bells.hearing("project.*") as self._found:
                async with self._working, self._finding.running():
                    yield self
        finally:
            runs_under_way = list(self._runs.values())
            for task in runs_under_way:
                task.cancel()
            await asyncio.gather(*runs_under_way, return_exceptions=True)
            for project in self._projects:
                with contextlib.suppress(DatabaseFault, OSError):
                    await mark_interrupted(self._resources, project, own=True)

    @property
    def loops(self) -> list[Loop]:
        """What finds projects, and what works for each of them."""
        return [self._finding, *self._projects.values()]

    async def _rest(self) -> None:
        await wait_for(self._found, self._resources.common.poll_seconds)

    async def _look_for_projects(self) -> None:
        """Start a loop for each project that appears; wait for the schema first."""
        schema = await self._resources.database.schema(MIGRATIONS)
        if schema.fault("trainer") is not None:
            return
        if not self._is_tidy:
            await remove_left_folders(self._resources)
            self._is_tidy = True
        names = await self._resources.projects.names()
        if not self._resources.leases.any_held:
            self.feed_readable = await self._resources.queue.reachable()
        for name in names:
            if name not in self._projects:
                await self._begin(name)

    async def _begin(self, name: str) -> None:
        bells = (outcomes_bell(name), project_bell(name), work_bell(name))
        rung = self._working.enter_context(self._resources.bells.hearing(*bells))

        async def turn() -> None:
            project = await self._resources.projects.find(name)
            if project is not None:
                await self._tick(project)

        async def rest() -> None:
            if await wait_for(rung, self._resources.common.poll_seconds):
                await asyncio.sleep(_GATHER_SECONDS)
                rung.clear()

        loop = Loop(f"project {name}", turn, rest, expected=_EXPECTED, slow_seconds=_SLOW_SECONDS)
        self._projects[name] = loop
        await self._working.enter_async_context(loop.running())

    async def _tick(self, project: Project) -> None:
        resources, name = self._resources, project.project
        if not await self._may_work_for(name):
            return
        await mark_interrupted(resources, name)
        try:
            reading_since = resources.now()
            await read_feed(resources, name)
            self.feed_readable = True
            await clean_snapshots(resources, name)
            # Verdicts first: what hangs on the last of them must not wait for the decision log.
            await self._certifier.step(resources, project)
            await resources.documents.sync(name)
            if await self._ledger.read_if_due(resources, name):
                await renew_watch(resources, project, reading_since)
            await self._certifier.step(resources, project)
            await resources.posting.post_pending(name)
        except QueueAway:
            self.feed_readable = False
            raise
        finally:
            await resources.documents.sync(name)
            await runs.start_if_due(resources, project)
            await self._start_queued(project)

    async def _may_work_for(self, name: str) -> bool:
        """Say whether this trainer has the project, and the documents are those of its database."""
        if await self._resources.leases.hold(name) is None:
            return False
        try:
            await self._resources.documents.sync(name)
        except Unavailable:
            return False  # the log and `/readyz` say why
        return True

    async def _start_queued(self, project: Project) -> None:
        run_id = await runs.queued(self._resources, project.project)
        running = self._runs.get(project.project)
        if run_id is None or (running is not None and not running.done()):
            return
        self._runs[project.project] = asyncio.create_task(self._run(project, run_id))

    async def _run(self, project: Project, run_id: str) -> None:
        async with self._slots:
            await execute(self._resources, project, run_id)


async def renew_watch(resources: Resources, project: Project, now: datetime) -> None:
    """Say that the promise is watched: feed and ledger have been read.

    Renewed at each tenth of the grace or each minute, whichever is sooner.

    Parameters
    ----------
    now
        When the reading began. A trainer that was suspended since has seen nothing of the pause.
    """
    grace = timedelta(seconds=project.promise.watch_grace_seconds)
    step = min(grace / _RENEWALS_PER_GRACE, _LONGEST_RENEWAL)
    async with resources.database.reading() as session:
        versions = await in_service(session, project.project)
        state = await session.get(ProjectState, project.project)
    if state is None or all(version.certificate is None for version in versions):
        return
    left = timedelta(0) if state.watched_until is None else state.watched_until - now
    if grace - step < left <= grace:
        return
    async with resources.database.transaction() as session:
        (await lock_state(session, project.project)).watched_until = now + grace
