"""Whether the ledger has every decision that was made before a question."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from obstore.exceptions import BaseError as StoreError
from pydantic import ValidationError

from services.trainer.ledger.service import LedgerReader
from services.trainer.resources import Resources
from shared.checkpoints import (
    BELL,
    ENTRY,
    INDEX_SUFFIX,
    WRITER,
    Acknowledged,
    checkpoint_of,
    is_acknowledged_path,
)
from shared.contracts.changes import StoreIndex
from shared.contracts.projects import Project
from shared.db import DatabaseFault
from shared.store import Store
from shared.store_index import INDEX_FOLDER, IndexWriter, index_path

_ACKNOWLEDGE_SECONDS = 5.0
_ANSWER_SECONDS = 10.0
_LOOK_SECONDS = 0.05
# A process that lives renews its document every six hours: no other is waited for.
_SILENT = timedelta(days=1)
# A router of the release before acknowledges nothing. One that has stored a segment within this
# time, by the store's clock, may still run.
_OLD_ROUTER = timedelta(minutes=10)


Unheard = dict[str, datetime]
"""By its document, each process of the router that has not acknowledged: when it last renewed."""


class Settling:
    """Requests checkpoints, and reads the ledger once they are acknowledged.

    Questions that come while one is answered share the next one.
    """

    def __init__(self, resources: Resources, reader: LedgerReader) -> None:
        self._resources, self._reader = resources, reader
        self._checkpoint = _Shared(partial(_pass_checkpoint, resources))
        self._projects: dict[str, _Shared] = {}

    async def settle(self, project: Project) -> str | None:
        """Read every decision made before the call; else return why some may be missing."""
        name = project.project
        work = partial(self._settle, name)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                unheard, old = await self._projects.setdefault(name, _Shared(work)).result()
        except (StoreError, DatabaseFault, OSError, TimeoutError, ValidationError) as error:
            return f"the decision log cannot be read now ({type(error).__name__})"
        if old:
            return "a router of the release before ran a few minutes ago"
        # Rows of a process that was silent for longer are kept no longer.
        oldest = self._resources.now() - timedelta(days=project.retention_days) - _SILENT
        missing = [path for path, written_at in unheard.items() if written_at >= oldest]
        if not missing:
            return None
        paths = ", ".join(sorted(missing, key=lambda path: path.removesuffix(".json")))
        return f"these processes of the router have not shipped their decision log: {paths}"

    async def _settle(self, project: str) -> tuple[Unheard, bool]:
        found: tuple[Unheard, bool] = await self._checkpoint.result()
        # A segment may be a day late at the store, and the newest day a day ahead of it.
        await self._reader.read(self._resources, project, days_back=2)
        return found


class _Shared:
    """Runs `work` once for all who ask before it begins; one run at a time."""

    def __init__(self, work: Callable[[], Awaitable[Any]]) -> None:
        self._work = work
        self._turns = asyncio.Lock()
        self._next: asyncio.Task[Any] | None = None

    async def result(self) -> Any:
        """Return what a run gives that begins after the call."""
        if self._next is None:
            self._next = asyncio.create_task(self._run())
            # Looked at, for when every caller has left before it failed.
            self._next.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        # When one caller leaves, the others still want the result.
        return await asyncio.shield(self._next)

    async def _run(self) -> Any:
        async with self._turns:
            self._next = None
            return await self._work()


async def _pass_checkpoint(resources: Resources) -> tuple[Unheard, bool]:
    """Return the processes that have not shipped all, and whether an older router may run."""
    store = resources.store
    documents = await _documents(
        store, filter(is_acknowledged_path, await store.modified(INDEX_FOLDER))
    )
    if not documents:
        raise OSError("no router has a document of acknowledged checkpoints")
    number = await _request(resources, documents.values())
    deadline = asyncio.get_running_loop().time() + _ACKNOWLEDGE_SECONDS
    while True:
        documents = await _documents(store, documents)
        # One that is removed has shipped all.
        documents = {path: one for path, one in documents.items() if one.checkpoint < number}
        newest = max((one.written_at for one in documents.values()), default=None)
        is_over = newest is None or newest < resources.now() - _SILENT
        if is_over or asyncio.get_running_loop().time() >= deadline:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    unheard = {path: one.written_at for path, one in documents.items()}
    return unheard, _has_old_router(await store.modified(INDEX_FOLDER))


async def _request(resources: Resources, known: Iterable[Acknowledged]) -> int:
    """Request a checkpoint; return its number, higher than any before."""
    index = await resources.store.read_document(index_path(WRITER), StoreIndex)
    number = 1 + max([checkpoint_of(index), *(one.checkpoint for one in known)])
    writer = IndexWriter(resources.store, WRITER)
    writer.note(ENTRY, 0, number)
    await writer.write()
    await resources.bells.ring(BELL)
    return number


async def _documents(store: Store, paths: Iterable[str]) -> dict[str, Acknowledged]:
    """Return the documents at `paths` that there are."""
    found = {path: await store.read_document(path, Acknowledged) for path in paths}
    return {path: document for path, document in found.items() if document is not None}


def _has_old_router(files: dict[str, datetime]) -> bool:
    """Say whether a router that acknowledges nothing may run.

    `files` are the indexes of the store, and when each was put: the newest is the request.
    """
    recent = max(files.values()) - _OLD_ROUTER
    return any(
        path.startswith(f"{INDEX_FOLDER}/router-")
        and not path.endswith(f"{INDEX_SUFFIX}.json")
        and at >= recent
        for path, at in files.items()
    )
