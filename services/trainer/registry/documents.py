"""channels.json and promise.json: rendered from SQL, the project and the clock.

They are derived: whatever crash comes between a commit and a write, the next `sync` writes what
the state says. promise.json goes first, so that no router meets a champion without its entry.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import structlog
from pydantic import ValidationError

from services.trainer.models import ProjectState, Version
from services.trainer.projects import Projects
from services.trainer.registry import repository
from services.trainer.registry.standing import standing_of
from services.trainer.repository import lock_state, read_state
from shared.contracts.projects import Project
from shared.contracts.versions import (
    Certificate,
    Challenger,
    ChannelEvent,
    Channels,
    PromiseDocument,
    PromiseEntry,
)
from shared.db import Database
from shared.doorbells import Doorbells, versions_bell
from shared.store import Store, channels_path, promise_path

log = structlog.get_logger()

Document = TypeVar("Document", Channels, PromiseDocument)
# A store that was restored from a backup behind our back is noticed within this time.
_TRUST_SECONDS = 30.0


def render_channels(state: ProjectState) -> Channels:
    """Return channels.json as the state says, at its next revision."""
    return Channels(
        revision=state.channels_revision + 1,
        champion=state.champion,
        previous=state.previous,
        challenger=None
        if state.challenger is None
        else Challenger(version=state.challenger, share=state.challenger_share),
        shadow=state.shadow,
        history=[ChannelEvent.model_validate(event) for event in state.history],
    )


def render_promise(
    project: Project, state: ProjectState, versions: Sequence[Version], now: datetime
) -> PromiseDocument:
    """Return promise.json as the state says, at its next revision."""
    return PromiseDocument(
        revision=state.policy_revision + 1,
        target_accuracy=project.promise.target_accuracy,
        confidence=project.promise.confidence,
        audit_rate=project.promise.audit_rate,
        audit_epoch=state.audit_epoch,
        versions={v.version: _entry(v, project, state, now) for v in versions},
    )


def _entry(version: Version, project: Project, state: ProjectState, now: datetime) -> PromiseEntry:
    if version.certificate is None:
        return PromiseEntry(state="uncertified")
    certificate = Certificate.model_validate(version.certificate)
    return PromiseEntry(
        state=standing_of(version, project, now),
        threshold=certificate.threshold,
        expires_at=version.expires_at,
        watched_until=state.watched_until,
        certificate=certificate,
    )


@dataclass
class _Seen:
    """What the store holds, as far as we know, and when we looked."""

    channels: Channels | None
    promise: PromiseDocument | None
    looked_at: float = field(default_factory=time.monotonic)


class Documents:
    """Writes the two documents of each project, one writer at a time."""

    def __init__(
        self,
        database: Database,
        store: Store,
        projects: Projects,
        bells: Doorbells,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._store = store
        self._projects = projects
        self._bells = bells
        self._now = now
        self._turns: dict[str, asyncio.Lock] = {}
        self._seen: dict[str, _Seen] = {}

    async def sync(self, name: str) -> Channels | None:
        """Bring the store up to the state, and ring; return the channels, None without a version.

        A revision is never given twice: it is counted in SQL before the document is written.
        """
        async with self._turns.setdefault(name, asyncio.Lock()):
            project = await self._projects.find(name)
            if project is None:
                return None
            async with self._database.reading() as session:
                state = await read_state(session, name)
                versions = await repository.in_service(session, name)
            seen = await self._look(name)
            if state is None or (not versions and seen.promise is None):
                return None
            wanted = render_promise(project, state, versions, self._now())
            is_new = await self._write_promise(name, seen, wanted)
            is_new |= await self._write_channels(name, seen, render_channels(state))
            if is_new:
                await self._bells.ring(versions_bell(name))
            return seen.channels

    async def _look(self, project: str) -> _Seen:
        seen = self._seen.get(project)
        if seen is None or time.monotonic() - seen.looked_at > _TRUST_SECONDS:
            seen = _Seen(
                channels=await self._read(channels_path(project), Channels),
                promise=await self._read(promise_path(project), PromiseDocument),
            )
            self._seen[project] = seen
        return seen

    async def _read(self, path: str, kind: type[Document]) -> Document | None:
        try:
            return await self._store.read_document(path, kind)
        except ValidationError:
            log.exception("document_unreadable", path=path)
            return None

    async def _write_promise(self, project: str, seen: _Seen, wanted: PromiseDocument) -> bool:
        if not _differs(seen.promise, wanted):
            return False
        async with self._database.transaction() as session:
            state = await lock_state(session, project)
            state.policy_revision = _next(state.policy_revision, seen.promise)
            wanted = wanted.model_copy(update={"revision": state.policy_revision})
        await self._store.write_document(promise_path(project), wanted)
        seen.promise = wanted
        return True

    async def _write_channels(self, project: str, seen: _Seen, wanted: Channels) -> bool:
        if not _differs(seen.channels, wanted):
            return False
        async with self._database.transaction() as session:
            state = await lock_state(session, project)
            state.channels_revision = _next(state.channels_revision, seen.channels)
            wanted = wanted.model_copy(update={"revision": state.channels_revision})
        await self._store.write_document(channels_path(project), wanted)
        seen.channels = wanted
        log.info("channels_published", project=project, champion=wanted.champion)
        return True


def _differs(stored: Channels | PromiseDocument | None, wanted: Channels | PromiseDocument) -> bool:
    if stored is None:
        return True
    # As JSON: the store keeps milliseconds, the state may keep more.
    return stored.model_dump_json(exclude={"revision"}) != wanted.model_dump_json(
        exclude={"revision"}
    )


def _next(counted: int, stored: Channels | PromiseDocument | None) -> int:
    return max(counted, stored.revision if stored else 0) + 1
