"""Decoding of pictures: in threads of their own, in turns, within so much time and memory.

A few bytes can ask for seconds of decoding and for gigabytes of pixels. So the pictures of a call
are decoded a few at a time, and forgotten once they are scored: a turn waits until there is a
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
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from starlette.requests import ClientDisconnect

from services.router.limits.admission import LONGEST_RETRY_SECONDS
from services.router.limits.errors import Overloaded
from services.router.limits.metrics import REFUSED
from services.router.pictures.metrics import PICTURE_BYTES
from shared.graphs.images import Layout, Picture
from shared.http.waiting import current_client

Result = TypeVar("Result")

# Laid-out pictures that are in memory at a time; a turn that is larger is alone there.
MOST_BYTES = 128 * 1024 * 1024
# So many turns may pass one that waits for memory; then it is the next.
_MOST_PASSED = 100
# Until it is measured: seconds of one thread for a picture's cost of 1.
_FIRST_PACE = 1e-8
# A measurement counts by what it was of; one of so much is worth half.
_MEASURED_COST = 2**24
_MOST_WEIGHT = 0.5


@dataclass(eq=False)
class Turn:
    """Pictures that are decoded together, each for some layouts.

    `cost` is what decoding them takes, in any unit that is proportional to time; `bytes` what they
    are laid out as.
    """

    pictures: Sequence[tuple[Picture, Sequence[Layout]]]
    cost: int
    bytes: int


class _Waiting:
    """One turn under way."""

    __slots__ = ("client", "done", "ended", "left", "passed", "started", "turn")

    def __init__(self, turn: Turn, done: asyncio.Future[None]) -> None:
        self.turn = turn
        self.done = done
        self.client = current_client()
        self.started = False
        # How many turns have begun before it while there was no memory for it.
        self.passed = 0
        self.ended = False
        # Set a moment after `done` is cancelled: then its caller releases nothing any more.
        self.left = False


class Decoder:
    """Decodes the turns of all calls; for one event loop.

    They begin in the order in which they come. But what waits for memory waits for a model, maybe a
    slow one of another project: a number of turns that there is memory for may pass it.

    Attributes
    ----------
    held_bytes : what the turns take that are being decoded or wait for their model.
    ahead : the cost of all turns that are not decoded yet.
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
        self._waiting: deque[_Waiting] = deque()
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

    async def aside(self, cost: int, function: Callable[[], Result]) -> Result:
        """Return what a short `function` does, in a thread and before the turns that wait."""
        self.ahead += cost
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function)
        finally:
            self.ahead -= cost

    @contextlib.asynccontextmanager
    async def decoded(self, turn: Turn) -> AsyncIterator[None]:
        """Lay the pictures of a turn out, and let them forget it at the end of the block.

        When the caller is cancelled meanwhile, those that are not decoded yet never are.
        `ClientDisconnect` where the client of the request has left before its turn came.
        """
        if not turn.pictures:
            yield
            return
        waiting = _Waiting(turn, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self.ahead += turn.cost
        self._next()
        try:
            await waiting.done
            yield
        finally:
            self._leave(waiting)

    def _next(self) -> None:
        """Begin the first turns that there are threads and memory for."""
        while self._free and (waiting := self._first()) is not None:
            self._waiting.remove(waiting)
            waiting.started = True
            self._free -= 1
            self._hold(waiting.turn.bytes)
            self._start(waiting).add_done_callback(partial(self._ran, waiting))

    def _first(self) -> _Waiting | None:
        """Return the first turn that there is memory for; None while the head was passed enough."""
        for waiting in self._waiting:
            if waiting.client is not None and waiting.client.gone and not waiting.done.done():
                waiting.done.set_exception(ClientDisconnect())
            if waiting.done.done():
                # Its caller removes it when it hears of that.
                continue
            if not self.held_bytes or self.held_bytes + waiting.turn.bytes <= self._most_bytes:
                head = self._waiting[0]
                head.passed += waiting is not head
                return waiting
            if self._waiting[0].passed >= _MOST_PASSED:
                return None
        return None

    def _start(self, waiting: _Waiting) -> asyncio.Future[float]:
        loop = asyncio.get_running_loop()
        try:
            return loop.run_in_executor(self._pool, _lay_out, waiting)
        except Exception as error:  # noqa: BLE001 - the turn's own caller is told, who may be another
            # No thread could be started, for example.
            failed = loop.create_future()
            failed.set_exception(error)
            return failed

    def _ran(self, waiting: _Waiting, ran: asyncio.Future[float]) -> None:
        waiting.ended = True
        self._free += 1
        self.ahead -= waiting.turn.cost
        self._tell(waiting, ran)
        if waiting.left:
            self._release(waiting.turn)
        self._next()

    def _tell(self, waiting: _Waiting, ran: asyncio.Future[float]) -> None:
        if ran.cancelled():
            waiting.done.cancel()
        elif error := ran.exception():
            if not waiting.done.done():
                waiting.done.set_exception(error)
        elif not waiting.done.done():
            # Of a broken picture less was decoded than its header says.
            if not any(picture.fault for picture, _ in waiting.turn.pictures):
                self._measure(ran.result(), waiting.turn.cost)
            waiting.done.set_result(None)

    def _measure(self, seconds: float, cost: int) -> None:
        weight = _MOST_WEIGHT * min(1.0, cost / _MEASURED_COST)
        self.pace += weight * (seconds / cost / self._threads - self.pace)

    def _leave(self, waiting: _Waiting) -> None:
        if waiting.ended:
            self._release(waiting.turn)
        elif waiting.started:
            # The thread sees it, and its end releases the rest.
            waiting.left = True
            waiting.done.cancel()
        else:
            self._waiting.remove(waiting)
            self.ahead -= waiting.turn.cost
        self._next()

    def _release(self, turn: Turn) -> None:
        for picture, _ in turn.pictures:
            picture.forget()
        self._hold(-turn.bytes)

    def _hold(self, count: int) -> None:
        self.held_bytes += count
        PICTURE_BYTES.inc(count)


def _lay_out(waiting: _Waiting) -> float:
    """Lay a turn's pictures out, as long as somebody waits for them; return the seconds it took."""
    started = time.perf_counter()
    for picture, layouts in waiting.turn.pictures:
        # It also is when no thread could be started, and one comes upon it later.
        if waiting.done.done():
            break
        picture.lay_out(layouts)
    return time.perf_counter() - started
