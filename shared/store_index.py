"""Index documents: readers of the store learn from a few of them which others have changed.

An index is written soon after the documents that it names, so it may be behind, and is never the
truth: a doorbell may come before it, and its writers complete it from what they find (ADR 19).
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from obstore.exceptions import BaseError
from pydantic import ValidationError

from shared.contracts.base import read_stored
from shared.contracts.changes import IndexEntry, StoreIndex
from shared.loops import Loop
from shared.store import Replaced, Store

log = structlog.get_logger()

INDEX_FOLDER = "index"
# Documents that are stored close together enter the index together.
_GATHER_SECONDS = 0.2
_LAST_WRITE_SECONDS = 5.0
Place = tuple[int, int]
_NOWHERE: Place = (-1, 0)


def index_path(writer: str) -> str:
    """Path of the index of `writer`."""
    return f"{INDEX_FOLDER}/{writer}.json"


class IndexWriter:
    """Keeps the index of `writer`; any number of processes may keep the same one.

    Each puts in what it has stored, by a conditional replacement, and keeps what others put in.
    One that is not begun makes no index while it has nothing to note: readers would take its
    emptiness for a sign that nothing changed. `losses` counts how often the store had an older
    index than before, or none: it was restored.
    """

    def __init__(self, store: Store, writer: str, *, is_begun: bool = True) -> None:
        self.path = index_path(writer)
        self.losses = 0
        self._store = store
        self._index = StoreIndex(revision=0)
        self._tag: str | None = None
        self._read = self._exists = False
        self._is_begun = is_begun
        self._noted: dict[str, Place] = {}
        self._woken = asyncio.Event()
        self.loop = Loop("store_index", self.write, self._rest, expected=(BaseError, OSError))

    def note(self, path: str, epoch: int, revision: int) -> None:
        """Say that the document at `path` is stored, or was found there, at this place."""
        place = (epoch, revision)
        if place > max(self.place(path) or _NOWHERE, self._noted.get(path, _NOWHERE)):
            self._noted[path] = place
            self._woken.set()

    def begin(self) -> None:
        """Let an index be made, also without entries."""
        if not self._is_begun:
            self._is_begun = True
            self._woken.set()

    def place(self, path: str) -> Place | None:
        """Return the place of the document at `path` as the index has it."""
        entry = self._index.documents.get(path)
        return None if entry is None else (entry.epoch, entry.revision)

    def check(self) -> None:
        """Let the index be read anew soon: the store may have been restored."""
        self._read = False
        self._woken.set()

    def stop(self) -> None:
        """Let the loop end; `write` puts in what was noted last."""
        self.loop.stop()
        self._woken.set()

    async def write(self) -> None:
        """Put what was noted into the store's index; make one where there is none."""
        while True:
            if not self._read:
                await self._look()
            index = self._merged()
            if index is self._index or not (self._exists or self._noted or self._is_begun):
                return
            try:
                body = index.model_dump_json().encode()
                self._tag = await self._store.replace(self.path, body, self._tag)
            except Replaced:
                self._read = False
                continue
            self._index, self._exists = index, True
            return

    async def finish(self) -> None:
        """Write what was noted last; a store that does not take it soon goes without."""
        with contextlib.suppress(BaseError, OSError):
            async with asyncio.timeout(_LAST_WRITE_SECONDS):
                await self.write()

    async def _rest(self) -> None:
        await self._woken.wait()
        self._woken.clear()
        await asyncio.sleep(_GATHER_SECONDS)

    async def _look(self) -> None:
        body, self._tag = await self._store.read_tagged(self.path)
        found = StoreIndex(revision=0) if body is None else _parsed(self.path, body)
        known = self._index
        if found.order.is_older_than(known.order):
            log.warning("index_restored", path=self.path, revision=found.revision)
            epoch = max(int(time.time()), known.epoch + 1)
            found = StoreIndex(epoch=epoch, revision=found.revision, documents=found.documents)
            for path, entry in known.documents.items():
                self._noted.setdefault(path, (entry.epoch, entry.revision))
            self.losses += 1
        self._index, self._read, self._exists = found, True, body is not None

    def _merged(self) -> StoreIndex:
        newer = {k: v for k, v in self._noted.items() if v > (self.place(k) or _NOWHERE)}
        # Kept until they are found in the index.
        self._noted = newer
        if not newer and self._exists:
            return self._index
        number = self._index.revision + 1
        entries = {path: IndexEntry(*place, number) for path, place in newer.items()}
        return StoreIndex(
            epoch=self._index.epoch or int(time.time()),
            revision=number,
            documents=self._index.documents | entries,
        )


@dataclass(frozen=True)
class IndexLook:
    """The paths whose entries have changed since the last look, and those of the indexes found."""

    changed: frozenset[str]
    found: frozenset[str]

    def has(self, *writers: str) -> bool:
        """Say whether each of the writers has an index."""
        return self.found.issuperset(map(index_path, writers))


class IndexReader:
    """Compares the indexes of the store with what it saw last: one listing, where none changed."""

    def __init__(self, store: Store, wanted: Callable[[str], bool]) -> None:
        self._store = store
        self._wanted = wanted
        self._tags: dict[str, str] = {}
        self._seen: dict[str, StoreIndex] = {}

    async def look(self) -> IndexLook:
        """Look once. Indexes that cannot be understood count as absent."""
        listed = await self._store.tags(INDEX_FOLDER)
        tags = {path: tag for path, tag in listed.items() if self._wanted(path)}
        changed: set[str] = set()
        read: dict[str, StoreIndex] = {}
        for path, tag in tags.items():
            if self._tags.get(path) == tag:
                continue
            body = await self._store.read(path)
            index = StoreIndex(revision=0) if body is None else _parsed(path, body)
            before = self._seen.get(path, StoreIndex(revision=0)).documents
            changed |= {k for k, v in index.documents.items() if before.get(k) != v}
            read[path] = index
        # Together: a look that fails half-way is repeated from where it began.
        self._seen = {path: index for path, index in (self._seen | read).items() if path in tags}
        self._tags = tags
        found = frozenset(path for path, index in self._seen.items() if index.revision)
        return IndexLook(frozenset(changed), found)


def index_of(*writers: str) -> Callable[[str], bool]:
    """Return what says whether a path is that of the index of one of `writers`."""
    return frozenset(map(index_path, writers)).__contains__


def _parsed(path: str, body: bytes) -> StoreIndex:
    try:
        return read_stored(StoreIndex, body)
    except ValidationError:
        log.warning("index_unreadable", path=path)
        return StoreIndex(revision=0)
