"""Empties the spool into the review queue, strictly in order, whenever the queue takes it."""

import asyncio
from collections.abc import Sequence

import structlog

from services.router.delivery.review_queue import QueueAway, QueueRefused, ReviewQueue
from services.router.spool.entries import Entry, batches
from services.router.spool.segments import SEGMENT_LINES
from services.router.spool.spool import Spool
from shared.contracts.tasks import ERASED_DETAIL
from shared.doorbells import wait_for
from shared.loops import Loop

log = structlog.get_logger()

_ADOPT_SECONDS = 5.0
_POST_SECONDS = 15.0
_NOT_FOUND = 404


class Drainer:
    """Sends the oldest segment, forgets it once it is acknowledged, and goes on: a turn each.

    At least once: a crash in between sends a segment again, and its tasks exist already. What
    comes within `gather_seconds` of the first is sent together.
    """

    def __init__(
        self, name: str, spool: Spool, queue: ReviewQueue, *, gather_seconds: float = 0.0
    ) -> None:
        self.loop = Loop(name, self._turn, self._rest, expected=(QueueAway, OSError))
        self._spool = spool
        self._gather_seconds = gather_seconds
        self._queue = queue
        self._woken = asyncio.Event()
        # Whether the review queue takes what lies in the spool: then it is worth waiting for.
        self.is_gaining = False

    def wake(self) -> None:
        """Say that the spool has something."""
        self._woken.set()

    async def _turn(self) -> None:
        self._woken.clear()
        try:
            await self._spool.adopt()
            self.is_gaining = await self._drain()
        except BaseException:
            self.is_gaining = False
            raise

    async def _rest(self) -> None:
        if self.is_gaining and self._spool.depth >= SEGMENT_LINES:
            # A whole segment waits: nothing is to be gathered.
            return
        if self.is_gaining or await wait_for(self._woken, _ADOPT_SECONDS):
            await asyncio.sleep(self._gather_seconds)

    async def _drain(self) -> bool:
        """Send the oldest segment; say whether there was one."""
        path = await self._spool.oldest()
        if path is None:
            return False
        entries = await self._spool.read(path)
        for batch in batches(entries):
            await self._send(batch)
            self.is_gaining = True
        await self._spool.discard(path, entries)
        log.debug("spool_segment_drained", tasks=len(entries))
        return True

    async def _send(self, batch: Sequence[Entry]) -> None:
        try:
            receipts = await self._queue.post(batch[0].project, batch, seconds=_POST_SECONDS)
        except QueueRefused as refusal:
            if len(batch) > 1 and refusal.status != _NOT_FOUND:
                # Halves, until the entry that it cannot take stands alone.
                middle = len(batch) // 2
                await self._send(batch[:middle])
                await self._send(batch[middle:])
            else:
                await self._spool.bury([(entry.line(), str(refusal)) for entry in batch])
            return
        refused = [
            (entry.line(), f"{receipt.status}: {receipt.detail or ''}")
            for entry, receipt in zip(batch, receipts, strict=True)
            # Of an erased item not even a dead letter is kept.
            if receipt.status in ("rejected", "conflict") and receipt.detail != ERASED_DETAIL
        ]
        if refused:
            await self._spool.bury(refused)
