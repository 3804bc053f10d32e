"""Keep channels.json and promise.json in the store equal to the state in SQL.

They are derived: whatever crash comes between a commit and a write, the next `sync` writes what
the state says. promise.json goes first, so that no router meets a champion without its entry.
Only the trainer that has the project's lease writes them (ADR 18).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, TypeVar

import structlog
from pydantic import ValidationError

from services.trainer.documents.history import changed_versions, note_change
from services.trainer.documents.ordering import is_foreign, next_place
from services.trainer.documents.rendering import differs, render_channels, render_promise
from services.trainer.projects.repository import in_service, locking, read_state
from services.trainer.projects.service import Projects, work_bell
from services.trainer.tables import ProjectState
from services.trainer.writer_lease.service import Lease, LeaseLost, Leases
from shared.contracts.base import read_stored
from shared.contracts.projects import Project
from shared.contracts.versions import Channels, Order, PromiseDocument
from shared.db import Database
from shared.doorbells import Doorbells, versions_bell, wait_for
from shared.logs import cause_of
from shared.problems import Unavailable
from shared.store import Replaced, Store, channels_path, promise_path
from shared.store_index import IndexWriter

log = structlog.get_logger()

Document = TypeVar("Document", Channels, PromiseDocument)
# A store that was restored from a backup meanwhile is noticed within this time.
_TRUST_SECONDS = 30.0
_ATTEMPTS = 3
FOREIGN = (
    "a trainer with another database writes its documents: point all trainers at one database, or,"
    " if that database is gone, run `python -m services restored trainer`"
)


@dataclass
class _Stored(Generic[Document]):
    """A document as the store holds it, and the tag by which the store knows it."""

    document: Document | None
    tag: str | None

    @property
    def order(self) -> Order:
        return Order() if self.document is None else self.document.order


@dataclass
class _Seen:
    """The documents as they were last read, when, and under which lease of this trainer."""

    channels: _Stored[Channels]
    promise: _Stored[PromiseDocument]
    fencing: int | None
    looked_at: float = field(default_factory=time.monotonic)

    def is_trusted(self, lease: Lease | None) -> bool:
        """Say whether no other trainer can have written since, or not for long."""
        is_ours = lease is not None and lease.fencing == self.fencing
        return is_ours and time.monotonic() - self.looked_at <= _TRUST_SECONDS


@dataclass(frozen=True)
class SyncResult:
    """channels.json in the store, and whether it agrees with the state."""

    channels: Channels | None
    is_current: bool = True


@dataclass
class Documents:
    """Writes the two documents of each project, one writer at a time.

    `faults` has a sentence for each project whose documents this trainer must not touch.
    """

    database: Database
    store: Store
    projects: Projects
    bells: Doorbells
    leases: Leases
    now: Callable[[], datetime]
    faults: dict[str, str] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.index = IndexWriter(self.store, "trainer", is_begun=False)

    async def publish(self, name: str, poll_seconds: float) -> Channels | None:
        """Return the channels once the store agrees with the state; None without a version.

        `Unavailable` when the trainer that has the project does not write them in a lease's time.
        """
        deadline = time.monotonic() + self.leases.seconds
        with self.bells.hearing(versions_bell(name)) as rung:
            while True:
                result = await self.sync(name)
                if result.is_current:
                    return result.channels
                if time.monotonic() > deadline:
                    raise Unavailable(
                        "The change is recorded, and the trainer that has the project has not "
                        "published it yet; ask again."
                    )
                await wait_for(rung, poll_seconds)

    async def sync(self, name: str) -> SyncResult:
        """Write documents that differ from the state, if this trainer has the project.

        `Unavailable` when a trainer with another database writes the documents.
        """
        async with self._locks.setdefault(name, asyncio.Lock()):
            for _ in range(_ATTEMPTS):
                try:
                    return await self._write_if_ours(name)
                except (LeaseLost, Replaced) as error:
                    log.warning("documents_not_written", project=name, cause=cause_of(error))
                    self._seen.pop(name, None)
            return SyncResult(None, is_current=False)

    def forget(self, name: str) -> None:
        """Forget how the documents were last read: they were removed."""
        self._seen.pop(name, None)

    async def _write_if_ours(self, name: str) -> SyncResult:
        project = await self.projects.find(name)
        if project is None:
            return SyncResult(None)
        lease = await self.leases.hold(name)
        seen = await self._look(name, lease)
        # After the store was looked at: the database counts before it writes, so it is not behind.
        async with self.database.reading() as session:
            state = await read_state(session, name)
            versions = await in_service(session, name)
        self._refuse_if_foreign(name, seen, state)
        if state is None or (not versions and seen.promise.document is None):
            return SyncResult(None)
        channels = render_channels(state)
        promise = render_promise(project, state, versions, self.now())
        if lease is None:
            return await self._left_to_another(name, seen, channels, promise)
        if changed_versions(project, state, versions, self.now()):
            await self._note_changes(project, lease)
        is_new = differs(seen.promise.document, promise)
        if is_new:
            epoch = await self._write(promise_path(name), seen.promise, promise, lease)
            channels = channels.model_copy(update={"epoch": epoch})
        if differs(seen.channels.document, channels):
            await self._write(channels_path(name), seen.channels, channels, lease)
            log.info("channels_published", project=name, champion=channels.champion)
            is_new = True
        if is_new:
            await self.bells.ring(versions_bell(name))
        return SyncResult(seen.channels.document)

    async def _left_to_another(
        self, name: str, seen: _Seen, channels: Channels, promise: PromiseDocument
    ) -> SyncResult:
        """Say whether the trainer that has the project has written the state; wake it if not."""
        is_told = not differs(seen.promise.document, promise)
        if is_told and not differs(seen.channels.document, channels):
            return SyncResult(seen.channels.document)
        await self.bells.ring(work_bell(name))
        return SyncResult(None, is_current=False)

    async def _note_changes(self, project: Project, lease: Lease) -> None:
        """Write the history before routers learn of a state: no crash between leaves it out."""
        now = self.now()
        async with locking(self.database, lease.project) as (session, state):
            await self.leases.require(session, lease)
            versions = await in_service(session, lease.project)
            for version in changed_versions(project, state, versions, now):
                line = note_change(version, project, state, versions, now)
                if line is None:
                    continue
                session.add(line)
                log.info(
                    "promise_changed",
                    project=line.project,
                    version=line.version,
                    state=line.to_state,
                    cause=line.cause,
                )

    async def _look(self, project: str, lease: Lease | None) -> _Seen:
        if lease is not None:
            self.index.begin()
        seen = self._seen.get(project)
        if seen is None or not seen.is_trusted(lease):
            seen = _Seen(
                channels=await self._read(channels_path(project), Channels),
                promise=await self._read(promise_path(project), PromiseDocument),
                fencing=None if lease is None else lease.fencing,
            )
            self._seen[project] = seen
        return seen

    async def _read(self, path: str, kind: type[Document]) -> _Stored[Document]:
        body, tag = await self.store.read_tagged(path)
        try:
            document = None if body is None else read_stored(kind, body)
            if document is not None:
                self.index.note(path, document.epoch, document.revision)
            return _Stored(document, tag)
        except ValidationError:
            log.exception("document_unreadable", path=path)
            return _Stored(None, tag)

    def _refuse_if_foreign(self, project: str, seen: _Seen, state: ProjectState | None) -> None:
        epoch, audit_epoch = (0, None) if state is None else (state.epoch, state.audit_epoch)
        stored = seen.promise.document
        if stored is None or not is_foreign(stored, epoch, audit_epoch):
            self.faults.pop(project, None)
            return
        del self._seen[project]
        if project not in self.faults:
            self.faults[project] = FOREIGN
            log.error("documents_of_another_database", project=project, remedy=FOREIGN)
        raise Unavailable(f"The project cannot be published: {FOREIGN}.")

    async def _write(
        self, path: str, stored: _Stored[Document], wanted: Document, lease: Lease
    ) -> int:
        """Give `wanted` the next place, in SQL first, and store it; return its epoch.

        A revision is never given twice.
        """
        counter: Literal["channels_revision", "policy_revision"] = (
            "channels_revision" if isinstance(wanted, Channels) else "policy_revision"
        )
        async with locking(self.database, lease.project) as (session, state):
            await self.leases.require(session, lease)
            before, counted = state.epoch, getattr(state, counter)
            epoch, revision = next_place(before, counted, stored.order, self.now())
            state.epoch = epoch
            setattr(state, counter, revision)
        if epoch != before:
            log.info("epoch_begun", project=lease.project, epoch=epoch, before=before)
        place = {"epoch": epoch, "revision": revision, "writer": lease.fencing}
        document = wanted.model_copy(update=place)
        body = document.model_dump_json().encode()
        stored.tag = await self.store.replace(path, body, stored.tag)
        stored.document = document
        self.index.note(path, epoch, revision)
        return epoch
