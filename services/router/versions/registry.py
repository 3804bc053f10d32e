"""What each project serves with: a pointer that flips once a version is verified and warm."""

import asyncio
import contextlib
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial

import structlog

from services.router.metrics import STORE_FAILURES
from services.router.problems import (
    ProjectNotFound,
    StoreUnreachable,
    VersionNotFound,
    VersionNotReady,
)
from services.router.versions.background import in_background, release
from services.router.versions.changes import ChangedProjects, Looks
from services.router.versions.documents import Documents, named_by, read_documents
from services.router.versions.loading import LoadedVersion, load_version
from services.router.versions.loads import STORE_ERRORS, Loads
from services.router.versions.views import View, challenger_of
from shared.contracts.base import PROJECT_PATTERN
from shared.contracts.versions import VERSION_PATTERN, Newest
from shared.doorbells import Doorbells
from shared.loops import Loop
from shared.problems import ProjectArchived
from shared.store import Store

log = structlog.get_logger()

# Object stores are retried for minutes by their client; a caller is answered sooner.
_ANSWER_SECONDS = 5.0
_UNLOADED, _LOADING = "it was unloaded", "it is still being loaded"


class Versions:
    """The projects of the store and their loaded versions.

    `deleted` are the names of projects of which the store says that they were deleted. No project
    is known before `register` has returned; `checkpoint_requested` as in `ChangedProjects`.
    """

    def __init__(
        self,
        store: Store,
        bells: Doorbells,
        *,
        poll_seconds: float,
        threads: int,
        run_seconds: float = math.inf,
        answer_seconds: float = _ANSWER_SECONDS,
        register: Callable[[], Awaitable[None]] | None = None,
        checkpoint_requested: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._register = register
        self._changes = ChangedProjects(store, bells, poll_seconds, checkpoint_requested)
        self._threads = threads
        self._load = partial(load_version, store, threads=threads, run_seconds=run_seconds)
        self._answer_seconds = answer_seconds
        self.deleted: set[str] = set()
        self._views: dict[str, View] = {}
        self._newest = Newest()
        self._loads: dict[str, Loads] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._unloaded: set[str] = set()
        self._retired: list[LoadedVersion] = []
        self._scanned = False
        self._looks = Looks(self._refresh)
        self.loop = Loop("versions", self._watch, self._rest, expected=STORE_ERRORS)

    async def view(self, project: str) -> View:
        """Return the project's view; look in the store first when it is not known yet.

        Raises `ProjectNotFound`, `StoreUnreachable`.
        """
        view = self._views.get(project)
        if view is None:
            if not re.fullmatch(PROJECT_PATTERN, project):
                raise ProjectNotFound(project)
            await self._look_now(project)
            view = self._views.get(project)
        if view is None:
            raise ProjectNotFound(project)
        return view

    async def _look_now(self, project: str) -> None:
        try:
            async with asyncio.timeout(self._answer_seconds):
                await self._refresh(project)
        except STORE_ERRORS as error:
            raise StoreUnreachable from error

    async def serving(self, project: str) -> View:
        """Return the view once its first champion is there or refused: a short wait.

        Raises `ProjectNotFound`, `ProjectArchived`, `StoreUnreachable`; `VersionNotReady`: it is
        still being loaded.
        """
        view = await self.view(project)
        if view.documents.project.archived_at is not None:
            raise ProjectArchived(project)
        champion = view.documents.channels.champion
        if view.serving is not None or (load := self._loads[project].first(champion)) is None:
            return view
        # It is on the way: an answer now would only send the item to people.
        await asyncio.wait([load], timeout=self._answer_seconds)
        if not load.done():
            raise VersionNotReady(champion, _LOADING)
        return self._views.get(project, view)

    def serving_now(self, project: str) -> View | None:
        """Return what `serving` does if a version serves already; else None."""
        view = self._views.get(project)
        return view if view is not None and view.serves else None

    async def pinned(self, project: str, version: str) -> LoadedVersion:
        """Return any version of the project by its name, loaded when it is not yet.

        Raises `ProjectNotFound`, `StoreUnreachable`; `VersionNotFound`: the store has no complete
        folder of this name; `VersionNotReady`: it was refused, or is still being loaded.
        """
        view = await self.view(project)
        found = view.loaded.get(version)
        if found is not None:
            return found
        if not re.fullmatch(VERSION_PATTERN, version):
            raise VersionNotFound(version)
        if project in self._unloaded:
            raise VersionNotReady(version, _UNLOADED)
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await self._loads[project].pinned(view.documents, version)
        except TimeoutError as error:
            raise VersionNotReady(version, _LOADING) from error
        except STORE_ERRORS as error:
            raise StoreUnreachable from error

    def peek(self, project: str) -> View | None:
        """Return the project's view if it is known already."""
        return self._views.get(project)

    async def unload(self, project: str) -> None:
        """Let go of the project's versions, and load none until `load`; raises what `view` does."""
        view = await self.view(project)
        self._unloaded.add(project)
        self._show(project, view.documents)
        log.warning("model_unloaded", project=project)

    async def load(self, project: str) -> View:
        """Look in the store now, try what was refused, await the champion; raises as `view`."""
        view = await self.view(project)
        self._unloaded.discard(project)
        self._loads[project].refusals.clear()
        self._show(project, view.documents)
        await self._look_now(project)
        view = await self.view(project)
        load = self._loads[project].first(view.documents.channels.champion)
        if load is not None:
            await asyncio.wait([load])
        return await self.view(project)

    def known(self) -> dict[str, View]:
        """Return the views of all projects that are known now."""
        return dict(self._views)

    def in_memory(self) -> Iterator[tuple[str, str, LoadedVersion]]:
        """Yield (project, role, version) of each version that could score at this moment."""
        for project, view in self._views.items():
            for version, loaded in self._loads[project].loaded.items():
                yield project, view.role(version), loaded

    @property
    def idle(self) -> bool:
        """Whether no version that answers has anything to score."""
        return all(
            one is None or one.batcher.idle
            for view in self._views.values()
            for one in (view.serving, view.challenger)
        )

    def missing(self) -> dict[str, str]:
        """Say what is still to be looked at: empty once each champion is loaded or refused."""
        if not self._scanned:
            return {"store": "has not been read yet"}
        return {
            f"champion of {project}": "is being loaded"
            for project, view in self._views.items()
            if view.serving is None
            and self._loads[project].first(view.documents.channels.champion) is not None
        }

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator["Versions"]:
        """Watch the store while the block lasts."""
        try:
            with self._changes.hearing():
                async with self.loop.running():
                    yield self
        finally:
            await asyncio.gather(*(loads.close() for loads in self._loads.values()))

    async def _watch(self) -> None:
        """Look at what changed; raise the first error of the store, once all were looked at."""
        if self._retired:
            # By now, a round later, the calls that they scored have let go as well.
            retired = self._retired.copy()
            self._retired.clear()
            await in_background(self._threads, partial(release, retired))
        try:
            names = await self._changes.take(self._views.keys()) | self._refusing()
        except STORE_ERRORS:
            STORE_FAILURES.inc()
            raise
        await self._looks.at(sorted(name for name in names if re.fullmatch(PROJECT_PATTERN, name)))
        self._scanned = True

    async def _rest(self) -> None:
        await self._changes.rest(is_owing=bool(self._looks.failed or self._refusing()))

    def _refusing(self) -> set[str]:
        return {project for project, loads in self._loads.items() if loads.refusals}

    async def _refresh(self, project: str) -> None:
        """Put the project's documents in place at once; start the loads that they ask for."""
        if self._register is not None:
            await self._register()
        async with self._locks.setdefault(project, asyncio.Lock()):
            known = self._views.get(project)
            documents = await read_documents(
                self._store, project, known.documents if known else None, self._newest
            )
            is_deleted = documents is not None and documents.project.deleted_at is not None
            (self.deleted.add if is_deleted else self.deleted.discard)(project)
            if documents is None or is_deleted:
                await self._forget(project)
                return
            if project not in self._loads:
                self._loads[project] = Loads(
                    self._store, partial(self._loaded, project), self._retired.append, self._load
                )
            if known is None or known.documents is not documents:
                self._show(project, documents)
            await self._loads[project].pursue(documents)

    async def _forget(self, project: str) -> None:
        self._views.pop(project, None)
        self._locks.pop(project, None)
        self._unloaded.discard(project)
        loads = self._loads.pop(project, None)
        if loads is not None:
            await loads.close()

    def _loaded(self, project: str) -> None:
        """Show what a load has changed; the documents may have moved on meanwhile."""
        view = self._views.get(project)
        if view is not None:
            self._show(project, view.documents)

    def _show(self, project: str, documents: Documents) -> None:
        """Replace the project's view by one of `documents` and of what is loaded."""
        loads, old = self._loads[project], self._views.get(project)
        named = named_by(documents.channels)
        if project in self._unloaded:
            loads.release()
            self._views[project] = View(documents, failures=dict.fromkeys(named, _UNLOADED))
            return
        loads.fit(documents)
        champion = documents.channels.champion
        serving = loads.loaded.get(champion) if champion is not None else None
        if serving is None and champion is not None and old is not None and old.serving is not None:
            # Until the champion is loaded, the one before it goes on, if it still fits.
            serving = loads.loaded.get(old.serving.version)
        kept = [*named, serving.version] if serving is not None else named
        loads.keep(kept)
        loaded = {version: loads.loaded[version] for version in kept if version in loads.loaded}
        shadows = (loaded.get(version) for version in documents.channels.shadow)
        self._views[project] = View(
            documents,
            serving,
            loaded,
            {name: loads.refusals[name].why for name in named if name in loads.refusals},
            challenger=challenger_of(documents.channels, loaded, serving),
            shadows=tuple(one for one in shadows if one is not None and one is not serving),
        )
        before = old.serving.version if old is not None and old.serving is not None else None
        if serving is not None and serving.version != before:
            log.info("version_serving", project=project, model_version=serving.version)
