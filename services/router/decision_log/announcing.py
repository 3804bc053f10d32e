"""Tells trainers which projects' decision logs have grown: by doorbells, and by an index."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial

from shared.checkpoints import INDEX_SUFFIX
from shared.contracts.base import new_id
from shared.doorbells import Doorbells, decisions_bell
from shared.loops import Loop
from shared.store import Store, decisions_prefix
from shared.store_index import INDEX_FOLDER, IndexWriter, index_path

_KEPT_SECONDS = 30 * 86_400.0
_TIDY_SECONDS = 86_400.0


def _name(began: float) -> str:
    """Return what the names of indexes begin with, in the order of time."""
    return f"router-{began:012.0f}"


class ShippedLogs:
    """Counts the segments of each project in an index of this process's own."""

    def __init__(self, store: Store, bells: Doorbells) -> None:
        self._bells = bells
        self._index = IndexWriter(store, f"{_name(time.time())}-{new_id()}{INDEX_SUFFIX}")
        self._segments: Counter[str] = Counter()
        self._new: set[str] = set()
        self._store = store
        self._woken = asyncio.Event()
        self._tidying = Loop("old_indexes", self._remove_old, partial(asyncio.sleep, _TIDY_SECONDS))
        self._ringing = Loop("decision_bells", self._ring, self._woken.wait)
        self.loops = (self._index.loop, self._ringing, self._tidying)

    def note(self, project: str) -> None:
        """Say that a segment of the project's decision log is in the store."""
        self._segments[project] += 1
        self._index.note(decisions_prefix(project), 0, self._segments[project])
        self._new.add(project)
        self._woken.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["ShippedLogs"]:
        """Tell while the block lasts, and at its end what is left."""
        ringing = asyncio.create_task(self._ringing.run())
        try:
            async with self._index.loop.running(), self._tidying.running():
                yield self
            await self._index.finish()
        finally:
            # Not cancelled: a ring that is cut off in the Redis client swallows the cancellation.
            self._ringing.stop()
            self._woken.set()
            await ringing

    async def _remove_old(self) -> None:
        """Remove indexes begun a month ago; a process that still runs makes its own anew."""
        oldest = index_path(_name(time.time() - _KEPT_SECONDS))
        for path in await self._store.tags(INDEX_FOLDER):
            if index_path(_name(0)) <= path < oldest:
                await self._store.delete(path)

    async def _ring(self) -> None:
        self._woken.clear()
        new, self._new = self._new, set()
        await self._bells.ring(*map(decisions_bell, sorted(new)))
