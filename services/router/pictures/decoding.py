"""Decoding of pictures: in threads of their own, in batches, within so much time and memory.

A few bytes can ask for seconds of decoding and for gigabytes of pixels. So the pictures of a call
are decoded a few at a time, and forgotten once they are scored: a batch waits until there is a
thread for it, and room in memory. What they cost is known from their headers, and what a picture of
such a cost takes is measured: a call that would wait too long is refused before one is decoded.
"""

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from starlette.requests import ClientDisconnect

from services.router.limits.admission import LONGEST_RETRY_SECONDS
from services.router.metrics import PICTURE_BYTES, REFUSED
from services.router.problems import Overloaded
from shared.fields.layouts import Layout
from shared.fields.pictures import Picture
from shared.http.waiting import Client, current_client

Result = TypeVar("Result")

# Laid-out pictures that are in memory at a time; a batch that is larger is alone there.
MOST_BYTES = 128 * 1024 * 1024
# So many batches may pass one that waits for memory; then it is the next.
_MOST_PASSED = 100
# Until it is measured: seconds of one thread for a picture's cost of 1.
_FIRST_PACE = 1e-8
# A measurement counts by what it was of; one of so much is worth half.
_MEASURED_COST = 2**24
_MOST_WEIGHT = 0.5


@dataclass(eq=False)
class PictureBatch:
    """Pictures that are decoded together, each for some layouts.

    `cost` is what decoding them takes, in any unit that is proportional to time; `bytes` what they
    are laid out as. The others are the decoder's own.
    """

    pictures: Sequence[tuple[Picture, Sequence[Layout]]]
    cost: int
    bytes: int
    done: asyncio.Future[None] = field(init=False)
    client: Client | None = None
    started: bool = False
    ended: bool = False
    # How many batches have begun before it while there was no memory for it.
    passed: int = 0
    # Set a moment after `done` is cancelled: then its caller no longer releases anything.
    left: bool = False


class Decoder:
    """Decodes the batches of all calls; for one event loop.

    They begin in the order in which they come. But what waits for memory waits for a model, maybe a
    slow one of another project: a number of batches that there is memory for may pass it.

    Attributes
    ----------
    held_bytes : what the batches take that are being decoded or wait for their model.
    ahead : the cost of all batches that are not decoded yet.
    pace : seconds until a cost of 1 is decoded.
    """

    def __init__(
        self, threads: int, *, max_wait_seconds: float, most_bytes: int = MOST_BYTES
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
        self._free = threads
        self._threads = threads
        self._max_wait_seconds = max_wait_seconds
        self._most_bytes = most_bytes
        self._waiting: deque[PictureBatch] = deque()
        self.held_bytes = 0
        self.ahead = 0
        self.pace = _FIRST_PACE / threads

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be decoded, and nothing is."""
        return not self.ahead

    def check(self) -> None:
        """Raise `Overloaded` when a new call's pictures would wait too long.

        Those that wait for nothing but themselves are always taken, however long they take.
        """
        seconds = self.ahead * self.pace
        if seconds > self._max_wait_seconds:
            REFUSED.labels("pictures").inc()
            raise Overloaded(max(1, min(LONGEST_RETRY_SECONDS, math.ceil(seconds))))

    async def run_unqueued(self, cost: int, function: Callable[[], Result]) -> Result:
        """Return what a short `function` does, in a thread and before the batches that wait."""
        self.ahead += cost
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function)
        finally:
            self.ahead -= cost

    @contextlib.asynccontextmanager
    async def decoded(self, batch: PictureBatch) -> AsyncIterator[None]:
        """Lay the pictures of a batch out, and let them forget it at the end of the block.

        When the caller is cancelled meanwhile, those that are not decoded yet never are.
        `ClientDisconnect` where the client of the request has left before its batch began.
        """
        if not batch.pictures:
            yield
            return
        batch.done = asyncio.get_running_loop().create_future()
        batch.client = current_client()
        self._waiting.append(batch)
        self.ahead += batch.cost
        self._next()
        try:
            await batch.done
            yield
        finally:
            self._leave(batch)

    def _next(self) -> None:
        """Begin the first batches that there are threads and memory for."""
        while self._free and (batch := self._first()) is not None:
            self._waiting.remove(batch)
            batch.started = True
            self._free -= 1
            self._hold(batch.bytes)
            self._start(batch).add_done_callback(partial(self._ran, batch))

    def _first(self) -> PictureBatch | None:
        """Return the first batch that memory has room for; None once the head was passed enough."""
        for batch in self._waiting:
            if batch.client is not None and batch.client.gone and not batch.done.done():
                batch.done.set_exception(ClientDisconnect())
            if batch.done.done():
                # Its caller removes it when it hears of that.
                continue
            if not self.held_bytes or self.held_bytes + batch.bytes <= self._most_bytes:
                head = self._waiting[0]
                head.passed += batch is not head
                return batch
            if self._waiting[0].passed >= _MOST_PASSED:
                return None
        return None

    def _start(self, batch: PictureBatch) -> asyncio.Future[float]:
        loop = asyncio.get_running_loop()
        try:
            return loop.run_in_executor(self._pool, _lay_out, batch)
        except Exception as error:  # noqa: BLE001 - the caller of the batch is told
            # No thread could be started, for example.
            failed = loop.create_future()
            failed.set_exception(error)
            return failed

    def _ran(self, batch: PictureBatch, ran: asyncio.Future[float]) -> None:
        batch.ended = True
        self._free += 1
        self.ahead -= batch.cost
        self._tell(batch, ran)
        if batch.left:
            self._release(batch)
        self._next()

    def _tell(self, batch: PictureBatch, ran: asyncio.Future[float]) -> None:
        if ran.cancelled():
            batch.done.cancel()
        elif error := ran.exception():
            if not batch.done.done():
                batch.done.set_exception(error)
        elif not batch.done.done():
            # Of a broken picture less was decoded than its header says.
            if not any(picture.fault for picture, _ in batch.pictures):
                self._measure(ran.result(), batch.cost)
            batch.done.set_result(None)

    def _measure(self, seconds: float, cost: int) -> None:
        weight = _MOST_WEIGHT * min(1.0, cost / _MEASURED_COST)
        self.pace += weight * (seconds / cost / self._threads - self.pace)

    def _leave(self, batch: PictureBatch) -> None:
        if batch.ended:
            self._release(batch)
        elif batch.started:
            # The thread sees it, and its end releases the rest.
            batch.left = True
            batch.done.cancel()
        else:
            self._waiting.remove(batch)
            self.ahead -= batch.cost
        self._next()

    def _release(self, batch: PictureBatch) -> None:
        for picture, _ in batch.pictures:
            picture.forget()
        self._hold(-batch.bytes)

    def _hold(self, count: int) -> None:
        self.held_bytes += count
        PICTURE_BYTES.inc(count)


def _lay_out(batch: PictureBatch) -> float:
    """Lay a batch's pictures out, unless its caller has left; return the seconds it took."""
    started = time.perf_counter()
    for picture, layouts in batch.pictures:
        # It also is when no thread could be started, and one comes upon it later.
        if batch.done.done():
            break
        picture.lay_out(layouts)
    return time.perf_counter() - started
