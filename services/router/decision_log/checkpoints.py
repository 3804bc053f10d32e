"""Acknowledges the checkpoints that trainers request: see `shared.checkpoints`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from obstore.exceptions import BaseError

from services.router.decision_log.segments import REPLICA_PATTERN, REPLICA_SUFFIX
from services.router.disk import sync_folder
from shared.checkpoints import BELL, WRITER, Acknowledged, acknowledged_path, checkpoint_of
from shared.contracts.base import new_id
from shared.contracts.changes import StoreIndex
from shared.doorbells import Doorbells, wait_for
from shared.loops import Loop
from shared.store import Store
from shared.store_index import index_path

# A look at the request, should neither the doorbell nor the watch of the indexes have told of it.
_LOOK_SECONDS = 30.0
_RENEW = timedelta(hours=6)


class Checkpoints:
    """Keeps this process's document in the store.

    The process's id lies in its slot, as ID.replica, so that a process started again goes on with
    the document of the one that was killed. Ids of abandoned slots are adopted with their segments:
    their documents are removed once those are shipped.
    """

    def __init__(self, store: Store, bells: Doorbells, now: Callable[[], datetime]) -> None:
        self._store, self._bells, self._now = store, bells, now
        self._folder = Path()
        self._own = ""
        self._written: Acknowledged | None = None
        self._registering = asyncio.Lock()
        self._requested = asyncio.Event()
        self.loop = Loop("checkpoints", self._turn, self._rest, expected=(BaseError, OSError))

    def request(self) -> None:
        """Say that a checkpoint may have been requested."""
        self._requested.set()

    async def register(self) -> None:
        """Let trainers wait for this process; raises what the store raises.

        Nothing may be decided before it has returned.
        """
        async with self._registering:
            if self._written is None:
                await self._write(0)

    @contextlib.asynccontextmanager
    async def running(
        self, folder: Path, flush: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[None]:
        """Acknowledge while the block lasts; `flush` ships every row appended before the call."""
        self._folder, self._flush = folder, flush
        self._own = await asyncio.to_thread(_own_id, folder)
        with self._bells.hearing(BELL) as self._requested:
            async with self.loop.running():
                yield

    async def leave(self) -> None:
        """Remove the documents: all is shipped, and nothing more will be decided."""
        for replica in await asyncio.to_thread(_ids, self._folder):
            await self._remove(replica)

    async def _turn(self) -> None:
        await self.register()
        index = await self._store.read_document(index_path(WRITER), StoreIndex)
        number, written = checkpoint_of(index), self._written
        assert written is not None
        adopted = [one for one in await asyncio.to_thread(_ids, self._folder) if one != self._own]
        if number != written.checkpoint or adopted:
            await self._flush()
        for replica in adopted:
            await self._remove(replica)
        if number != written.checkpoint or self._now() - written.written_at >= _RENEW:
            await self._write(number)

    async def _write(self, number: int) -> None:
        written = Acknowledged(checkpoint=number, written_at=self._now())
        await self._store.write_document(acknowledged_path(self._own), written)
        self._written = written

    async def _remove(self, replica: str) -> None:
        await self._store.delete(acknowledged_path(replica))
        (self._folder / f"{replica}{REPLICA_SUFFIX}").unlink(missing_ok=True)

    async def _rest(self) -> None:
        await wait_for(self._requested, _LOOK_SECONDS)


def _own_id(folder: Path) -> str:
    """Return the id of the slot; make one where there is none."""
    if found := _ids(folder):
        return found[0]
    made = new_id()
    (folder / f"{made}{REPLICA_SUFFIX}").touch()
    sync_folder(folder)
    return made


def _ids(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob(REPLICA_PATTERN))
