"""Batches without a delay: what waits runs together as soon as the session is free.

A fixed wait would only slow a small model down. While a batch runs in a thread, arrivals gather; in
the event loop they gather while the loop reads its sockets. So batches grow by themselves with the
load, and a lone call never waits.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from starlette.requests import ClientDisconnect

from services.router.metrics import (
    BATCH_ITEMS,
    INFERENCE_SECONDS,
    QUEUE_SECONDS,
    SCORING_FAILURES,
)
from services.router.scores import FloatArray, Score, scores_of
from services.router.scoring.flow import Flow
from shared.http.waiting import current_client
from shared.logs import cause_of

log = structlog.get_logger()

Data = Mapping[str, Any]
Run = Callable[[Sequence[Data]], FloatArray]

# The loop may be busy with one batch for so long; what takes longer goes to a thread.
_INLINE_SECONDS = 0.002
# While many calls wait it may be busy with several, for at most so long.
_LONGEST_TURN_SECONDS = 0.2
# Below so many items a batch does not pay for itself.
_FEWEST_ITEMS = 8
# Asking for the processor's time takes microseconds: one run in so many is measured. How much that
# counts in the time of an item.
_MEASURED_EVERY = 15
_NEWEST = 0.2


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
    run
        Rows of class probabilities for items, float32, shape (n, K); one run at a time.
    seconds_per_item
        Of processor time; a first measurement, corrected by those of some runs.
    most_items
        The size of the largest batch.
    project, version
        Whose graph it is, for metrics and the log.
    """

    def __init__(
        self, run: Run, seconds_per_item: float, most_items: int, project: str, version: str
    ) -> None:
        self._run = run
        self._most_items = most_items
        self._version = version
        # Bound once: looking a label up costs more than counting.
        self._queue_seconds = QUEUE_SECONDS.labels(project)
        self._inference_seconds = INFERENCE_SECONDS.labels(project)
        self._batch_items = BATCH_ITEMS.labels(project)
        self._failures = SCORING_FAILURES.labels(project)
        self.seconds_per_item = seconds_per_item
        self._waiting: deque[_Job] = deque()
        self._busy = False
        self._lone = False
        self._ended = 0.0
        self._until_measured = 0
        self.items_waiting = 0
        self.flow = Flow(seconds_per_item, most_items)

    def score(self, items: Sequence[Data]) -> asyncio.Future[list[Score | None]]:
        """Return a future of a score an item; None where the graph could not score it.

        Whoever cancels the future leaves the others alone. `ClientDisconnect` where the client of
        the request has left before its turn came.
        """
        loop = asyncio.get_running_loop()
        job = _Job(items, loop.create_future())
        count = len(items)
        self.flow.enter(count)
        # The first of its callbacks: the call goes on just after it.
        job.future.add_done_callback(lambda _: self.flow.leave(count))
        if self._lone and count == self.flow.items == 1:
            # One call after another, each alone: what would this one wait for? What the loop reads
            # beside it finds it still on its way, and does not go alone.
            self._take_alone(job)
            return job.future
        self._waiting.append(job)
        self.items_waiting += count
        if not self._busy:
            self._busy = True
            # Not at once: what else the loop has just read joins this batch.
            loop.call_soon(self._next)
        return job.future

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and nothing runs."""
        return not self._busy

    def quick_items(self) -> int:
        """Return how many items one run may take without keeping others for long."""
        return min(self._most_items, max(1, int(_INLINE_SECONDS / self.seconds_per_item)))

    @property
    def _inline(self) -> bool:
        return self.seconds_per_item * _FEWEST_ITEMS <= _INLINE_SECONDS

    def _take_alone(self, job: _Job) -> None:
        self._queue_seconds.observe(0.0)
        self._settle([(job, job.items)], self._timed(job.items))
        self._lone = self._inline
        self._ended, self.flow.lag = time.perf_counter(), 0.0

    def _next(self) -> None:
        until = self._turn_ends()
        most = max(_FEWEST_ITEMS, self.quick_items()) if self._inline else self._most_items
        while parts := self._take(most):
            items = [item for _, part in parts for item in part]
            self._lone = self._inline and len(items) == 1
            if not self._inline:
                running = asyncio.get_running_loop().run_in_executor(None, self._timed, items)
                running.add_done_callback(partial(self._ran, parts))
                return
            self._settle(parts, self._timed(items))
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

    def _ran(self, parts: list[_Part], done: asyncio.Future[list[Score | None]]) -> None:
        if done.cancelled():
            for job, _ in parts:
                job.future.cancel()
        else:
            self._settle(parts, done.result())
        self._next()

    def _settle(self, parts: list[_Part], scores: list[Score | None]) -> None:
        at = 0
        for job, part in parts:
            job.scores += scores[at : at + len(part)]
            at += len(part)
            if len(job.scores) == len(job.items) and not job.future.done():
                job.future.set_result(job.scores)

    def _timed(self, items: Sequence[Data]) -> list[Score | None]:
        started = time.perf_counter()
        scores = self.aside(items)
        self._inference_seconds.observe(time.perf_counter() - started)
        self._batch_items.observe(len(items))
        if unusable := scores.count(None):
            log.error("items_unscored", model_version=self._version, count=unusable)
            self._failures.inc(unusable)
        return scores

    def aside(self, items: Sequence[Data]) -> list[Score | None]:
        """Score in the calling thread, outside of the batches and uncounted."""
        self._until_measured -= 1
        if self._until_measured >= 0:
            return self._scored(items)
        self._until_measured = _MEASURED_EVERY
        # Of the processor: on a busy machine the clock would tell how long others had it, and a
        # small graph would go to a thread, where it waits still longer.
        started = time.thread_time()
        scores = self._scored(items)
        seconds = time.thread_time() - started
        self.seconds_per_item += _NEWEST * (seconds / len(items) - self.seconds_per_item)
        return scores

    def _scored(self, items: Sequence[Data]) -> list[Score | None]:
        """Score; when the graph fails, halve, until what it chokes on stands alone."""
        try:
            rows = self._run(items)
            if len(rows) != len(items):
                raise ValueError(f"{len(rows)} rows for {len(items)} items")  # noqa: TRY301 - as a failed run
            return scores_of(rows)
        except Exception as error:
            # Fail closed: people can answer what the graph chokes on.
            if len(items) > 1:
                middle = len(items) // 2
                return self._scored(items[:middle]) + self._scored(items[middle:])
            log.exception(
                "scoring_failed", model_version=self._version, cause=cause_of(error)[:200]
            )
            return [None]
