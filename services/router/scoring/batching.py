"""Batches without a delay: what waits runs together as soon as the session is free.

A fixed wait would only slow a small model down. While a batch runs in a thread, arrivals gather; in
the event loop they gather while the loop reads its sockets. So batches grow by themselves with the
load, and a lone call never waits.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar, TypeVarTuple

import structlog
from starlette.requests import ClientDisconnect

from services.router.limits.admission import Flow
from services.router.metrics import QUEUE_SECONDS
from services.router.problems import ModelTimedOut
from services.router.scoring.runs import Data, Run, Runs
from shared.graphs.deadline import OVERDUE_SECONDS, Aside, RunTimedOut, StillRunning
from shared.http.waiting import current_client
from shared.routing.scores import Score

log = structlog.get_logger()

Args = TypeVarTuple("Args")
Result = TypeVar("Result")

# The loop may be busy with one batch for so long; what takes longer goes to a thread.
_INLINE_SECONDS = 0.002
# While many calls wait it may be busy with several, for at most so long.
_LONGEST_TURN_SECONDS = 0.2
# Below so many items a batch does not pay for itself.
_FEWEST_ITEMS = 8


class _Job:
    """One call's items; `scores` grow as its parts are run."""

    __slots__ = ("arrived", "client", "future", "items", "scores")

    def __init__(self, items: Sequence[Data], future: asyncio.Future[list[Score | None]]) -> None:
        self.items = items
        self.future = future
        self.scores: list[Score | None] = []
        self.client = current_client()
        self.arrived = time.perf_counter()


# A part of a call's items, run in one batch with parts of others.
_Part = tuple[_Job, Sequence[Data]]


class Batcher:
    """Shares the runs of one graph among concurrent calls; for one event loop.

    Parameters
    ----------
    run, seconds_per_item, project, version
        As of `Runs`; one run at a time.
    most_items
        The size of the largest batch.
    run_seconds
        After which `run` raises RunTimedOut, or should have.
    is_bounded
        Whether no item takes much longer than others: only then may a run be the event loop's.

    Attributes
    ----------
    runs : of the graph
    """

    def __init__(
        self,
        run: Run,
        seconds_per_item: float,
        most_items: int,
        project: str,
        version: str,
        *,
        run_seconds: float = math.inf,
        is_bounded: bool = True,
    ) -> None:
        self.runs = Runs(run, seconds_per_item, project, version)
        self._run_seconds = run_seconds
        self._is_bounded = is_bounded
        self._is_overdue = False
        # The graph's own: one that hangs keeps no thread from others.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scoring")
        # Another thread: a run outside of the batches keeps none of them waiting.
        self._unbatched = Aside(run_seconds)
        self._most_items = most_items
        self._version = version
        # Bound once: looking a label up costs more than counting.
        self._queue_seconds = QUEUE_SECONDS.labels(project)
        self._waiting: deque[_Job] = deque()
        self._busy = False
        self._lone = False
        self._ended = 0.0
        self.items_waiting = 0
        self.flow = Flow(seconds_per_item, most_items)

    def score(self, items: Sequence[Data]) -> asyncio.Future[list[Score | None]]:
        """Return a future of a score an item; None where the graph could not score it.

        It fails with ModelTimedOut when a run that the items were in timed out, or one before them
        is overdue; with ClientDisconnect when the client of the request left before their turn
        came. Cancelling it leaves other calls alone.
        """
        loop = asyncio.get_running_loop()
        job = _Job(items, loop.create_future())
        if self._is_overdue:
            self._fail(job)
            return job.future
        count = len(items)
        self.flow.enter(count)
        # The first of its callbacks: the call goes on just after it.
        job.future.add_done_callback(lambda _: self.flow.leave(count))
        if self._lone and count == self.flow.items == 1:
            # One call after another, each alone: what would this one wait for? What the loop reads
            # beside it finds it still on its way, and does not go alone.
            self._queue_seconds.observe(0.0)
            self._score_inline([(job, items)], items)
            self._lone = self._is_quick(1)
            self._ended, self.flow.lag = time.perf_counter(), 0.0
            return job.future
        self._waiting.append(job)
        self.items_waiting += count
        if not self._busy:
            self._busy = True
            # Not at once: what else the loop has just read joins this batch.
            loop.call_soon(self._next)
        return job.future

    async def run_unbatched(self, function: Callable[[*Args], Result], *args: *Args) -> Result:
        """Return what `function` returns: one run of the graph outside of the batches.

        Raises `ModelTimedOut`: it timed out or is overdue, or one before it is; batches go on.
        """
        try:
            return await self._unbatched.run(function, *args)
        except RunTimedOut as error:
            if not isinstance(error, StillRunning):
                self._count_timeout()
            raise ModelTimedOut(self._version, self._run_seconds) from error

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and nothing runs."""
        return not self._busy

    def quick_items(self) -> int:
        """Return how many items one run may take without keeping others for long."""
        return min(self._most_items, max(1, int(_INLINE_SECONDS / self.runs.seconds_per_item)))

    def _is_quick(self, items: int) -> bool:
        """Say whether a batch of what waits, `items`, may be run in the event loop."""
        fewest = min(items, _FEWEST_ITEMS)
        return self._is_bounded and self.runs.seconds_per_item * fewest <= _INLINE_SECONDS

    def _next(self) -> None:
        until = self._turn_ends()
        is_quick = self._is_quick(self.items_waiting)
        most = max(_FEWEST_ITEMS, self.quick_items()) if is_quick else self._most_items
        while parts := self._take(most):
            items = [item for _, part in parts for item in part]
            self._lone = is_quick and len(items) == 1
            if not is_quick:
                loop = asyncio.get_running_loop()
                running = loop.run_in_executor(self._thread, self.runs.counted, items)
                late_seconds = self._run_seconds + OVERDUE_SECONDS
                overdue = loop.call_later(late_seconds, self._give_up, parts)
                running.add_done_callback(partial(self._ran, parts, overdue))
                return
            self._score_inline(parts, items)
            if not self._waiting or time.perf_counter() >= until:
                break
        self._ended = time.perf_counter()
        self._busy = bool(self._waiting)
        if self._busy:
            asyncio.get_running_loop().call_soon(self._next)

    def _turn_ends(self) -> float:
        """Return until when batches may follow at once: as long as the loop was busy with others.

        Else each batch would wait for all that the loop can read, and the more calls came, and were
        refused, the fewer would be answered.
        """
        now = time.perf_counter()
        since = max(self._ended, self._waiting[0].arrived) if self._waiting else now
        self.flow.lag = now - since
        return now + min(self.flow.lag, _LONGEST_TURN_SECONDS)

    def _take(self, most: int) -> list[_Part]:
        """Take items from the head of the queue; a long call's rest goes behind the others."""
        parts: list[_Part] = []
        longer: list[_Job] = []
        while self._waiting and most > 0:
            job = self._waiting.popleft()
            begin = len(job.scores)
            rest = job.items[begin:] if begin else job.items
            if job.client is not None and job.client.gone and not job.future.done():
                job.future.set_exception(ClientDisconnect())
            if job.future.done():
                # Its caller has left.
                self.items_waiting -= len(rest)
                continue
            if begin == 0:
                self._queue_seconds.observe(time.perf_counter() - job.arrived)
            part = rest[:most] if len(rest) > most else rest
            if part is not rest:
                longer.append(job)
            most -= len(part)
            self.items_waiting -= len(part)
            parts.append((job, part))
        self._waiting.extend(longer)
        return parts

    def _score_inline(self, parts: list[_Part], items: Sequence[Data]) -> None:
        try:
            self._settle(parts, self.runs.counted(items))
        except RunTimedOut:
            self._time_out(job for job, _ in parts)

    def _ran(
        self,
        parts: list[_Part],
        overdue: asyncio.TimerHandle,
        done: asyncio.Future[list[Score | None]],
    ) -> None:
        overdue.cancel()
        if done.cancelled():
            for job, _ in parts:
                job.future.cancel()
        elif not isinstance(done.exception(), RunTimedOut):
            self._settle(parts, done.result())
        elif not self._is_overdue:
            self._time_out(job for job, _ in parts)
        self._is_overdue = False
        self._next()

    def _give_up(self, parts: list[_Part]) -> None:
        """Fail all calls until the run comes to its end: it goes on past its deadline."""
        self._is_overdue = True
        waiting = [*(job for job, _ in parts), *self._waiting]
        self._waiting.clear()
        self.items_waiting = 0
        self._time_out(waiting)

    def _count_timeout(self) -> None:
        log.error("model_timed_out", model_version=self._version, seconds=self._run_seconds)
        self.runs.timeouts.inc()

    def _time_out(self, jobs: Iterable[_Job]) -> None:
        self._count_timeout()
        self.flow.interrupt()
        for job in jobs:
            self._fail(job)

    def _fail(self, job: _Job) -> None:
        if not job.future.done():
            job.future.set_exception(ModelTimedOut(self._version, self._run_seconds))

    def _settle(self, parts: list[_Part], scores: list[Score | None]) -> None:
        at = 0
        for job, part in parts:
            job.scores += scores[at : at + len(part)]
            at += len(part)
            if len(job.scores) == len(job.items) and not job.future.done():
                job.future.set_result(job.scores)
