"""The worker: for each project, read feed and ledger, advance runs and certifications, publish."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from functools import partial

from services.trainer.changes.following import Following
from services.trainer.datasets.cleaning import clean_snapshots
from services.trainer.documents.status import changes_of_status
from services.trainer.erasure.projects import is_removed, remove_deleted
from services.trainer.labelling import service as labelling
from services.trainer.ledger.service import LedgerReader
from services.trainer.monitoring.drift.service import watch_drift
from services.trainer.outcomes.service import read_feed
from services.trainer.projects.repository import active_runs, in_service
from services.trainer.projects.service import work_bell
from services.trainer.promise.certification import Certifier
from services.trainer.promise.renewal import renewal_begins_at
from services.trainer.queue_client import QueueAway
from services.trainer.resources import MIGRATIONS, PASSING, Resources
from services.trainer.runs import service as runs
from services.trainer.runs.due import scheduled_at
from services.trainer.runs.execution import execute
from services.trainer.runs.first_labels import FirstLooks
from services.trainer.runs.interruption import mark_interrupted, remove_left_folders
from services.trainer.tables import ProjectState
from services.trainer.watch.audits import watch_audits
from services.trainer.watch.lasting import renew_watch, renewal_left
from services.trainer.watch.staging import step_stages
from shared.contracts.projects import Project
from shared.db import DatabaseFault
from shared.doorbells import BellEvent, decisions_bell, outcomes_bell, project_bell, wait_for
from shared.loops import Loop, cancel_all
from shared.problems import Unavailable

# A long feed, or a certification of many answers, takes its time.
_SLOW_SECONDS = 120.0
_PARALLEL_RUNS = 2
# Under a stream of verdicts one look serves many of them.
_GATHER_SECONDS = 0.2
# After a start all projects have a turn: so many at a time.
_FIRST_TURNS = 8
# Projects are learned of from the review queue; the store, a folder a project, is listed too.
_LIST_SECONDS = 300.0


class Worker:
    """Works for every project while `working()` lasts: when something is new there, or is due."""

    def __init__(self, resources: Resources, ledger: LedgerReader | None = None) -> None:
        self._resources = resources
        self._certifier = Certifier()
        self._ledger = ledger or LedgerReader()
        poll = partial(asyncio.sleep, resources.common.poll_seconds)
        self._finding = Loop("finding_projects", self._find, self._rest, expected=PASSING)
        self._scheduling = Loop("due_projects", self._wake_due, poll, expected=PASSING)
        self._following = Following(resources, self._wake)
        self.first_looks = FirstLooks(resources)
        self._found = BellEvent()
        self._new: set[str] = set()
        self._listed_at = -math.inf
        self._projects: dict[str, Loop] = {}
        self._rung: dict[str, asyncio.Event] = {}
        # When the clock alone makes something of a project due.
        self._due_at: dict[str, datetime] = {}
        self._working = contextlib.AsyncExitStack()
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._is_tidy = False
        self._slots = asyncio.Semaphore(_PARALLEL_RUNS)
        self._first_turns = asyncio.Semaphore(_FIRST_TURNS)
        self._reads_feeds = True

    @property
    def feed_readable(self) -> bool:
        """Whether the review queue answered when it was last asked."""
        return self._reads_feeds and self._following.queue_answers

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator["Worker"]:
        """Work while the block lasts; runs that it leaves behind are marked as interrupted."""
        try:
            with self._resources.bells.hearing("project.*") as self._found:
                async with (
                    self._working,
                    self._following.running(),
                    self._scheduling.running(),
                    self._finding.running(),
                ):
                    yield self
        finally:
            await cancel_all(self._runs.values())
            await self.first_looks.close()
            for project in self._projects:
                with contextlib.suppress(DatabaseFault, OSError):
                    await mark_interrupted(self._resources, project, own=True)

    @property
    def loops(self) -> list[Loop]:
        """What finds projects, what wakes them, and what works for each of them."""
        shared = [self._finding, self._scheduling, *self._following.loops]
        return [*shared, *self._projects.values()]

    def _wake(self, projects: Iterable[str] | None) -> None:
        """Let projects have a turn: None stands for all in the store, new ones are begun."""
        if projects is None:
            self._listed_at = -math.inf
        for name in list(self._projects) if projects is None else projects:
            if name in self._rung:
                self._rung[name].set()
            else:
                self._new.add(name)
        if projects is None or self._new:
            self._found.set()

    async def _rest(self) -> None:
        await wait_for(self._found, _LIST_SECONDS)

    async def _find(self) -> None:
        """Start a loop for each project that appears; wait for the schema first."""
        schema = await self._resources.database.schema(MIGRATIONS)
        if schema.fault("trainer") is not None:
            self._found.set()
            await asyncio.sleep(self._resources.common.poll_seconds)
            return
        if not self._is_tidy:
            await remove_left_folders(self._resources)
            self._is_tidy = True
        self._new |= self._found.take()[0]
        now = asyncio.get_running_loop().time()
        if now - self._listed_at >= _LIST_SECONDS:
            self._new |= set(await self._resources.store.folders())
            self._listed_at = now
        while self._new:
            name = self._new.pop()
            if name not in self._projects:
                await self._begin(name)

    async def _begin(self, name: str) -> None:
        bells = (outcomes_bell(name), project_bell(name), work_bell(name), decisions_bell(name))
        rung = self._working.enter_context(self._resources.bells.hearing(*bells))
        is_first = True

        async def turn() -> None:
            nonlocal is_first
            async with self._first_turns if is_first else contextlib.nullcontext():
                project = await self._resources.projects.stored(name)
                if project is not None and await self._is_to_be_worked_for(project):
                    await self._tick(project)
                is_first = False

        async def rest() -> None:
            await rung.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            rung.clear()

        loop = Loop(f"project {name}", turn, rest, expected=PASSING, slow_seconds=_SLOW_SECONDS)
        self._projects[name], self._rung[name] = loop, rung
        await self._working.enter_async_context(loop.running())

    async def _wake_due(self) -> None:
        """Wake what the clock, a run or a lease that has ended makes due; one look for all."""
        if not self._projects:
            return
        now, resources = self._resources.now(), self._resources
        due = {name for name, moment in self._due_at.items() if now >= moment}
        for name in due:
            del self._due_at[name]
        due |= resources.documents.faults.keys() | await resources.leases.free()
        async with resources.database.reading() as session:
            active = await active_runs(session)
        for project, run_id, state in active:
            task = self._runs.get(project)
            is_ours = task is not None and not task.done()
            if not is_ours and (state == "queued" or run_id not in resources.under_way):
                due.add(project)
        due |= self.first_looks.faults
        self.first_looks.faults.clear()
        self._wake(due)

    async def _tick(self, project: Project) -> None:
        resources, name = self._resources, project.project
        if not await self._may_work_for(name):
            return
        await mark_interrupted(resources, name)
        read_at: datetime | None
        read_at = reading_since = resources.now()
        try:
            await read_feed(resources, name)
            self._reads_feeds = True
            await clean_snapshots(resources, name)
            # Verdicts first: what hangs on the last of them must not wait for the decision log.
            await self._certifier.step(resources, project)
            await watch_audits(resources, project)
            await resources.documents.sync(name)
            is_read = await self._ledger.read_if_due(resources, name)
            if is_read:
                await renew_watch(resources, project, reading_since)
            await watch_audits(resources, project)
            await step_stages(resources, project)
            if await watch_drift(resources, project):
                self._wake([name])
            await self._plan(project, None if is_read else self._ledger.due_in(name))
            await self._certifier.step(resources, project)
            self.first_looks.begin(name)
            await labelling.step(resources, project)
            await resources.posting.post_pending(name)
            await resources.posting.withdraw_pending(name)
        except QueueAway:
            # A run does not wait for a queue that is away: it has the labels that were read before.
            self._reads_feeds, read_at = False, None
            raise
        finally:
            await resources.documents.sync(name)
            await runs.start_if_due(resources, project)
            run_id = await runs.queued(resources, name, read_at)
            running = self._runs.get(name)
            if run_id is not None and (running is None or running.done()):
                self._runs[name] = asyncio.create_task(self._run(name, run_id))

    async def _is_to_be_worked_for(self, project: Project) -> bool:
        """Say whether the project takes work, once nothing of a deleted one of its name is left."""
        resources, name = self._resources, project.project
        is_gone = project.deleted_at is not None
        if is_gone or not await is_removed(resources.database, project):
            if await resources.leases.hold(name) is None:
                return False
            if name in self._runs:
                await cancel_all([self._runs.pop(name)])
            await self.first_looks.forget(name)
            await remove_deleted(resources.database, resources.store, project)
            self._due_at.pop(name, None)
            for one in (resources.documents, self._ledger, self._certifier):
                one.forget(name)
        return not is_gone and project.archived_at is None

    async def _plan(self, project: Project, ledger_due_in: timedelta | None) -> None:
        """Note when the clock makes the next turn due: a reading, a renewal, an expiry, a run."""
        name, now = project.project, self._resources.now()
        moments = [] if ledger_due_in is None else [now + ledger_due_in]
        async with self._resources.database.reading() as session:
            versions = await in_service(session, name)
            state = await session.get(ProjectState, name)
            run_at = await scheduled_at(session, project)
        moments += [] if run_at is None or run_at <= now else [run_at]
        certified = [version for version in versions if version.certificate is not None]
        if certified and state is not None and state.watched_until is not None:
            moments.append(state.watched_until - renewal_left(project))
        for version in certified:
            renewal = renewal_begins_at(version, project)
            due = [*changes_of_status(version), *([] if renewal is None else [renewal])]
            moments += [moment for moment in due if moment > now]
        if moments:
            self._due_at[name] = min(moments)

    async def _may_work_for(self, name: str) -> bool:
        """Say whether this trainer has the project, and the documents are those of its database."""
        if await self._resources.leases.hold(name) is None:
            return False
        try:
            await self._resources.documents.sync(name)
        except Unavailable:
            return False  # the log and `/readyz` say why
        return True

    async def _run(self, name: str, run_id: str) -> None:
        async with self._slots:
            # The project may have been edited or archived while the run waited.
            project = await self._resources.projects.find(name)
            if project is not None and project.archived_at is None:
                await execute(self._resources, project, run_id)
        self._wake([name])
