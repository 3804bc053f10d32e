"""What each project serves with: a pointer that flips once a version is verified and warm."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import structlog
from obstore.exceptions import BaseError

from services.router.errors import ProjectNotFound, StoreUnreachable
from services.router.metrics import RELOAD_FAILURES, RELOADS, STORE_FAILURES
from services.router.versions.documents import Documents, read_documents
from services.router.versions.loading import LoadedVersion, VersionRefused, load_version, misfit
from shared.contracts.base import PROJECT_PATTERN
from shared.doorbells import Doorbells, wait_for
from shared.store import Store, manifest_path

log = structlog.get_logger()

_FIRST_RETRY_SECONDS = 1.0
_LAST_RETRY_SECONDS = 30.0
_AT_ONCE = 8
# A TimeoutError is an OSError.
_STORE_ERRORS = (BaseError, OSError)
# Object stores are retried for minutes by their client; a caller is answered sooner.
_ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class View:
    """One project at one moment: never changed, only replaced."""

    documents: Documents
    serving: LoadedVersion | None = None
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Refusal:
    """A champion that was refused, and when it is worth another try."""

    version: str
    named_by: tuple[bytes | None, ...]
    manifest: bytes | None
    delay: float
    retry_at: float


class Versions:
    """The projects of the store and their loaded champions."""

    def __init__(
        self, store: Store, bells: Doorbells, *, poll_seconds: float, threads: int
    ) -> None:
        self._store = store
        self._bells = bells
        self._poll_seconds = poll_seconds
        self._threads = threads
        self._views: dict[str, View] = {}
        self._refusals: dict[str, _Refusal] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._loads: dict[str, asyncio.Task[None]] = {}
        self._scanned = False

    async def view(self, project: str) -> View:
        """Return the project's view; look in the store first when it is not known yet.

        Raises
        ------
        ProjectNotFound, StoreUnreachable
        """
        view = self._views.get(project)
        if view is None:
            if not re.fullmatch(PROJECT_PATTERN, project):
                raise ProjectNotFound(project)
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await self._refresh(project)
            except _STORE_ERRORS as error:
                raise StoreUnreachable from error
            view = self._views.get(project)
        if view is None:
            raise ProjectNotFound(project)
        load = self._loads.get(project)
        if view.serving is None and load is not None and project not in self._refusals:
            # Its first version is on the way: an answer now would only send the item to people.
            await asyncio.wait([load])
            view = self._views.get(project, view)
        return view

    def peek(self, project: str) -> View | None:
        """Return the project's view if it is known already."""
        return self._views.get(project)

    def known(self) -> dict[str, View]:
        """Return the views of all projects that are known now."""
        return dict(self._views)

    def missing(self) -> dict[str, str]:
        """Say what is still to be looked at: empty once each champion is loaded or refused."""
        if not self._scanned:
            return {"store": "has not been read yet"}
        return {
            f"champion of {project}": "is being loaded"
            for project in self._loads
            if project in self._views and self._views[project].serving is None
        }

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator["Versions"]:
        """Watch the store while the block lasts."""
        watch = asyncio.create_task(self._watch())
        try:
            yield self
        finally:
            running = [watch, *self._loads.values()]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _watch(self) -> None:
        with self._bells.hearing("versions.*", "project.*") as rung:
            while True:
                try:
                    await self._scan()
                except Exception:
                    # The watch outlives any fault of one round: without it nothing reloads.
                    log.exception("scan_failed")
                await wait_for(rung, self._poll_seconds)

    async def _scan(self) -> None:
        try:
            names = set(await self._store.folders()) | set(self._views)
        except _STORE_ERRORS as error:
            self._store_failed(error)
            return
        turns = asyncio.Semaphore(_AT_ONCE)

        async def look(name: str) -> bool:
            async with turns:
                try:
                    await self._refresh(name)
                except _STORE_ERRORS as error:
                    self._store_failed(error)
                    return False
                return True

        projects = sorted(name for name in names if re.fullmatch(PROJECT_PATTERN, name))
        self._scanned = all(await asyncio.gather(*map(look, projects))) or self._scanned

    def _store_failed(self, error: Exception) -> None:
        STORE_FAILURES.inc()
        log.warning("store_unreachable", cause=type(error).__name__)

    async def _refresh(self, project: str) -> None:
        """Put the project's documents in place at once; start a load if its champion changed."""
        async with self._locks.setdefault(project, asyncio.Lock()):
            known = self._views.get(project)
            documents = await read_documents(
                self._store, project, known.documents if known else None
            )
            if documents is None:
                self._views.pop(project, None)
                self._locks.pop(project, None)
                return
            # Looked up again: a load may have ended while the store was being read.
            old = self._views.get(project)
            self._views[project] = self._with_documents(documents, old)
            if project not in self._loads and await self._due(project):
                self._loads[project] = asyncio.create_task(
                    self._load(project, self._views[project].documents)
                )

    def _with_documents(self, documents: Documents, old: View | None) -> View:
        if old is None or old.documents is documents:
            return old or View(documents)
        champion = documents.channels.champion
        serving = old.serving if champion is not None else None
        if serving is not None and misfit(serving.manifest, documents.project):
            # The project changed under its model: no answer of it can be right any more.
            serving = None
        failures = {name: why for name, why in old.failures.items() if name == champion}
        return View(documents, serving, failures)

    async def _due(self, project: str) -> bool:
        """Say whether the champion is to be loaded now."""
        view = self._views[project]
        champion = view.documents.channels.champion
        if champion is None or (view.serving is not None and view.serving.version == champion):
            self._refusals.pop(project, None)
            return False
        refusal = self._refusals.get(project)
        if (
            refusal is None
            or refusal.version != champion
            or refusal.named_by != _naming(view.documents)
        ):
            return True
        if asyncio.get_running_loop().time() >= refusal.retry_at:
            return True
        return await self._store.read(manifest_path(project, champion)) != refusal.manifest

    async def _load(self, project: str, documents: Documents) -> None:
        champion = documents.channels.champion
        assert champion is not None
        try:
            loaded = await load_version(
                self._store, documents.project, champion, threads=self._threads
            )
        except VersionRefused as refused:
            await self._refuse(project, champion, documents, str(refused))
        except _STORE_ERRORS as error:
            self._store_failed(error)
            await self._refuse(project, champion, documents, "the store cannot be read")
        except Exception:
            log.exception("load_failed", project=project, model_version=champion)
            await self._refuse(project, champion, documents, "loading it failed; the log says why")
        else:
            self._swap(project, loaded)
        finally:
            self._loads.pop(project, None)

    def _swap(self, project: str, loaded: LoadedVersion) -> None:
        view = self._views.get(project)
        # The documents may have moved on while the graph was being loaded.
        if view is None or misfit(loaded.manifest, view.documents.project):
            return
        self._refusals.pop(project, None)
        self._views[project] = View(view.documents, loaded)
        RELOADS.inc()
        log.info("version_serving", project=project, model_version=loaded.version)

    async def _refuse(self, project: str, version: str, documents: Documents, why: str) -> None:
        RELOAD_FAILURES.inc()
        log.error("version_refused", project=project, model_version=version, cause=why)
        before = self._refusals.get(project)
        delay = _FIRST_RETRY_SECONDS
        if before is not None and before.version == version:
            delay = min(before.delay * 2, _LAST_RETRY_SECONDS)
        manifest: bytes | None = None
        with contextlib.suppress(*_STORE_ERRORS):
            manifest = await self._store.read(manifest_path(project, version))
        retry_at = asyncio.get_running_loop().time() + delay
        self._refusals[project] = _Refusal(version, _naming(documents), manifest, delay, retry_at)
        view = self._views.get(project)
        if view is not None:
            self._views[project] = View(view.documents, view.serving, {version: why})


def _naming(documents: Documents) -> tuple[bytes | None, ...]:
    """Return what decides which version fits: promise.json, renewed all the time, does not."""
    return documents.raw[:2]
