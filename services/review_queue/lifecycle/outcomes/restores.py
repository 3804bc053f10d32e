"""A restore of the database begins a new epoch of the outcomes feed.

A restored database cannot tell by itself that it was restored. The store can: it keeps the end of
the feed, which a database that lies behind it does not have.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from pydantic import BaseModel, ValidationError

from services.review_queue.lifecycle.outcomes import repository
from services.review_queue.lifecycle.outcomes.places import Place, place_of
from services.review_queue.projects import repository as projects
from services.review_queue.repository.epochs import feed_epoch
from shared.db import Database
from shared.problems import Problem
from shared.store import Store

log = structlog.get_logger()

# At the root, where no project's folder can be: their names begin with a letter.
PATH = "_review_queue.json"
_KEEP_SECONDS = 10.0


class FeedEnd(BaseModel):
    """The document that the store keeps: the cursor of the end of the feed of all projects."""

    cursor: str


@dataclass
class Restores:
    """Compares the database with the store once a process, then keeps the store up to date."""

    database: Database
    store: Store
    now: Callable[[], datetime]
    _compared: bool = False
    _kept: Place | None = None
    _keep_at: float = field(default=0.0)

    async def look(self) -> int:
        """Begin a new epoch if the database was restored; keep the feed's end; return 1 if so."""
        began = 0
        if not self._compared:
            began = await self._compare()
            self._compared = True
        if began or time.monotonic() >= self._keep_at:
            await self.keep()
        return began

    async def keep(self) -> int:
        """Write the feed's end to the store, if it has moved; return how many documents."""
        if not self._compared:
            # What the store says is still to be looked at.
            return 0
        self._keep_at = time.monotonic() + _KEEP_SECONDS
        async with self.database.reading() as session:
            epoch, last = await feed_epoch(session), await repository.FEED.last(session)
            end = await repository.FEED.place_at(session, epoch, last)
        if end == self._kept:
            return 0
        await self.store.write_document(PATH, FeedEnd(cursor=end.cursor))
        self._kept = end
        return 1

    async def begin(self) -> int:
        """Begin a new epoch whatever the store says; return it."""
        kept = await self._stored()
        async with self.database.reading() as session:
            known = await feed_epoch(session)
        begun = await self._begin(known, 0 if kept is None else kept.epoch)
        # Another process may just have begun one; beginning one more changes nothing for readers.
        return begun or await self.begin()

    async def _compare(self) -> int:
        # The store first: what it keeps was committed before it was written.
        kept = await self._stored()
        if kept is None:
            return 0
        async with self.database.reading() as session:
            known = await feed_epoch(session)
            confirmed = await repository.FEED.confirmed(session, kept)
        if kept.epoch < known or confirmed is not None:
            return 0
        return int(await self._begin(known, kept.epoch) is not None)

    async def _stored(self) -> Place | None:
        try:
            document = await self.store.read_document(PATH, FeedEnd)
            return None if document is None else place_of(document.cursor)
        except (ValidationError, Problem):
            log.warning("feed_end_unreadable", path=PATH)
            return None

    async def _begin(self, known: int, stored: int) -> int | None:
        now = self.now()
        # A number that no lost epoch had: of those the database may know nothing.
        at_least = max(stored + 1, int(now.timestamp()))
        async with self.database.transaction() as session:
            begun = await repository.begin_epoch(session, known, at_least=at_least, now=now)
            if begun is not None:
                # The store may have later revisions, which the database has lost.
                await projects.unpublish(session)
        if begun is not None:
            log.warning("database_was_restored", epoch=begun)
        return begun
