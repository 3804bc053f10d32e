"""The versions of one project in memory: loaded, on their way, or refused and tried again later.

What the channels name is loaded at once and stays. What a caller pins by its name is loaded on
demand, and the few that were asked for last stay.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

import structlog
from obstore.exceptions import BaseError

from services.router.metrics import RELOAD_FAILURES, RELOADS, STORE_FAILURES
from services.router.problems import VersionNotFound, VersionNotReady
from services.router.versions.documents import Documents
from services.router.versions.loading import LoadedVersion, VersionRefused
from shared.contracts.projects import Project
from shared.logs import cause_of
from shared.loops import cancel_all
from shared.store import Store, manifest_path

log = structlog.get_logger()

# A TimeoutError is an OSError.
STORE_ERRORS = (BaseError, OSError)

_FIRST_RETRY_SECONDS = 1.0
_LAST_RETRY_SECONDS = 30.0
# Versions beyond those that the channels name: so many stay, and so many load at a time.
_PINS = 2

Load = asyncio.Task[LoadedVersion | None]


@dataclass(frozen=True)
class Refusal:
    """Why a version was refused, and when it is worth another try."""

    why: str
    named_by: tuple[bytes | None, ...]
    manifest: bytes | None
    delay: float
    retry_at: float


@dataclass(eq=False)
class Loads:
    """One project's versions; for one event loop.

    `load_version` fetches a version. `changed` is called after each load, `let_go` with each
    version that is no longer kept.
    """

    store: Store
    changed: Callable[[], None]
    let_go: Callable[[LoadedVersion], None]
    load_version: Callable[[Project, str], Awaitable[LoadedVersion]]
    loaded: dict[str, LoadedVersion] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    _running: dict[str, Load] = field(default_factory=dict)
    _named: Collection[str] = ()
    _pins: list[str] = field(default_factory=list)

    def first(self, version: str | None) -> Load | None:
        """Return the load of `version` while nothing is known of it yet."""
        known = version is None or version in self.loaded or version in self.refusals
        return None if version is None or known else self._running.get(version)

    def fit(self, documents: Documents) -> None:
        """Let go of what the project as it is now cannot be answered with."""
        for version, loaded in list(self.loaded.items()):
            if not loaded.fits(documents.project):
                self.let_go(self.loaded.pop(version))

    def keep(self, named: Collection[str]) -> None:
        """Let go of all that is neither `named` nor one of the last pins."""
        self._named = named
        self._pins = [version for version in self._pins if version not in named][-_PINS:]
        for version in self.loaded.keys() - {*named, *self._pins}:
            self.let_go(self.loaded.pop(version))
        now = asyncio.get_running_loop().time()
        for version, refusal in list(self.refusals.items()):
            if version in self.loaded or (version not in named and now >= refusal.retry_at):
                del self.refusals[version]

    def release(self) -> None:
        """Let go of everything; what is on its way is dropped once it has come."""
        self._pins = []
        self.refusals.clear()
        self.keep(())

    async def pursue(self, documents: Documents) -> None:
        """Start to load each named version that is due."""
        for version in self._named:
            if await self._due(documents, version):
                self._start(documents, version)

    async def pinned(self, documents: Documents, version: str) -> LoadedVersion:
        """Return a version by its name; concurrent callers share one load.

        Raises `VersionNotFound`: the store has no complete folder of this name; `VersionNotReady`:
        it was refused, or too many others are on their way.
        """
        if version not in self.loaded and version not in self._running:
            await self._begin(documents, version)
        load = self._running.get(version)
        if load is not None:
            await asyncio.wait([load])
            found = None if load.cancelled() else load.result()
        else:
            found = self.loaded.get(version)
        if found is None:
            refusal = self.refusals.get(version)
            raise VersionNotReady(version, refusal.why if refusal else "its load was given up")
        self._touch(version)
        return found

    async def close(self) -> None:
        """Give up what is on its way."""
        await cancel_all(self._running.values())

    async def _begin(self, documents: Documents, version: str) -> None:
        if await self.store.read(manifest_path(documents.project.project, version)) is None:
            raise VersionNotFound(version)
        if await self._due(documents, version):
            if len(self._running.keys() - {*self._named, version}) >= _PINS:
                raise VersionNotReady(version, "others are being loaded")
            self._start(documents, version)

    def _touch(self, version: str) -> None:
        self._pins = [*(name for name in self._pins if name != version), version]

    async def _due(self, documents: Documents, version: str) -> bool:
        """Say whether the version is to be loaded now."""
        if version in self.loaded or version in self._running:
            return False
        refusal = self.refusals.get(version)
        if refusal is None or refusal.named_by != _naming(documents):
            return True
        if asyncio.get_running_loop().time() >= refusal.retry_at:
            return True
        path = manifest_path(documents.project.project, version)
        return await self.store.read(path) != refusal.manifest

    def _start(self, documents: Documents, version: str) -> None:
        if version not in self._running:
            self._running[version] = asyncio.create_task(self._load(documents, version))

    async def _load(self, documents: Documents, version: str) -> LoadedVersion | None:
        try:
            loaded = await self._attempt(documents, version)
        finally:
            del self._running[version]
        self.changed()
        return loaded

    async def _attempt(self, documents: Documents, version: str) -> LoadedVersion | None:
        project = documents.project.project
        try:
            loaded = await self.load_version(documents.project, version)
        except VersionRefused as refused:
            await self._refuse(documents, version, str(refused))
        except STORE_ERRORS as error:
            STORE_FAILURES.inc()
            log.warning("store_unreachable", cause=cause_of(error))
            await self._refuse(documents, version, "the store cannot be read")
        except Exception:
            log.exception("load_failed", project=project, model_version=version)
            await self._refuse(documents, version, "loading it failed; the log says why")
        else:
            self.loaded[version] = loaded
            self._touch(version)
            RELOADS.labels(project).inc()
            log.info("version_loaded", project=project, model_version=version)
            return loaded
        return None

    async def _refuse(self, documents: Documents, version: str, why: str) -> None:
        project = documents.project.project
        RELOAD_FAILURES.labels(project).inc()
        log.error("version_refused", project=project, model_version=version, cause=why)
        before = self.refusals.get(version)
        doubled = _FIRST_RETRY_SECONDS if before is None else before.delay * 2
        delay = min(doubled, _LAST_RETRY_SECONDS)
        manifest: bytes | None = None
        with contextlib.suppress(*STORE_ERRORS):
            manifest = await self.store.read(manifest_path(project, version))
        retry_at = asyncio.get_running_loop().time() + delay
        self.refusals[version] = Refusal(why, _naming(documents), manifest, delay, retry_at)


def _naming(documents: Documents) -> tuple[bytes | None, ...]:
    """Return what decides which version fits: promise.json, renewed all the time, does not."""
    return documents.raw[:2]
