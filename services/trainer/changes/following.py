"""Follows what changes over all projects, and wakes the work for each project that it concerns.

Doorbells wake a project directly. What follows here makes up for those that were lost: the review
queue's feed of changes, and the indexes of what routers have put into the store (ADR 19).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable

import structlog
from obstore.exceptions import BaseError as StoreError

from services.trainer.queue_client import FeedRestarted, QueueAway, RouteUnknown
from services.trainer.resources import Resources
from shared.logs import cause_of
from shared.loops import Loop
from shared.store_index import IndexReader

log = structlog.get_logger()

_WAIT_SECONDS = 20.0
_ONE_ANEW_SECONDS = 30.0
_ROUTERS = "index/router-"

Wake = Callable[[Iterable[str] | None], None]


class Following:
    """Calls `wake` with the projects that have something new; None stands for all.

    `is_current` says whether new projects are learned from the review queue's feed; one of the
    release before has none, and then every project is looked at again and again.
    """

    def __init__(self, resources: Resources, wake: Wake) -> None:
        self._resources = resources
        self._wake = wake
        self._cursor: str | None = None
        self._index = IndexReader(resources.store, lambda path: path.startswith(_ROUTERS))
        self._one_anew_at = 0.0
        self._looked_at: list[str] = []
        self.is_current = self.queue_answers = False
        expected = (StoreError, OSError)
        self.loops = [
            Loop("changes", self._read_changes, self._rest, expected=expected),
            Loop("decision_logs", self._look_at_index, self._until_poll, expected=expected),
            resources.documents.index.loop,
        ]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Following"]:
        """Follow while the block lasts; put what was noted last into the store's index."""
        async with contextlib.AsyncExitStack() as stack:
            for loop in self.loops:
                await stack.enter_async_context(loop.running())
            yield self
        await self._resources.documents.index.finish()

    async def _read_changes(self) -> None:
        seconds = _WAIT_SECONDS if self.is_current else 0.0
        try:
            page = await self._resources.queue.changes(self._cursor, wait_seconds=seconds)
        except FeedRestarted:
            self._cursor = None
            self._wake(None)
        except RouteUnknown:
            self.is_current = False
            self._wake(None)
        except QueueAway as error:
            if self.queue_answers:
                log.warning("review_queue_away", cause=cause_of(error))
            self.is_current = self.queue_answers = False
            return
        else:
            self.is_current, self._cursor = True, page.cursor
            self._wake({change.project for change in page.changes})
        self.queue_answers = True

    async def _rest(self) -> None:
        if not self.is_current:
            await asyncio.sleep(self._resources.common.poll_seconds)

    async def _look_at_index(self) -> None:
        """Wake the projects whose decision logs have grown, and now and then one for good measure.

        The latter makes up for a store or a database that was restored unnoticed.
        """
        look = await self._index.look()
        # Without any index all routers are of the release before.
        self._wake({path.partition("/")[0] for path in look.changed} if look.found else None)
        now = asyncio.get_running_loop().time()
        if now >= self._one_anew_at:
            self._one_anew_at = now + _ONE_ANEW_SECONDS
            self._resources.documents.index.check()
            self._looked_at = self._looked_at or self._resources.leases.held()
            self._wake([self._looked_at.pop()] if self._looked_at else [])

    async def _until_poll(self) -> None:
        poll_seconds = self._resources.common.poll_seconds
        await asyncio.sleep(self._resources.bells.rest_seconds(poll_seconds))
