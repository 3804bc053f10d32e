"""Runs of one graph: measured, counted, and halved where it fails."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from services.router.metrics import BATCH_ITEMS, INFERENCE_SECONDS, RUN_TIMEOUTS, SCORING_FAILURES
from shared.graphs.deadline import RunTimedOut
from shared.logs import cause_of
from shared.routing.scores import FloatArray, Score, scores_of

log = structlog.get_logger()

Data = Mapping[str, Any]
Run = Callable[[Sequence[Data]], FloatArray]

# Asking for the processor's time takes microseconds: one run in so many is measured. How much that
# counts in the time of an item.
_MEASURED_EVERY = 15
_NEWEST = 0.2


class Runs:
    """The runs of one graph; `seconds_per_item` follows what they take.

    Parameters
    ----------
    run
        Rows of class probabilities for items, float32, shape (n, K).
    seconds_per_item
        Of processor time; a first measurement, corrected by those of some runs.
    project, version
        Whose graph it is, for metrics and the log.
    """

    def __init__(self, run: Run, seconds_per_item: float, project: str, version: str) -> None:
        self._run = run
        self._version = version
        # Bound once: looking a label up costs more than counting.
        self._inference_seconds = INFERENCE_SECONDS.labels(project)
        self._batch_items = BATCH_ITEMS.labels(project)
        self._failures = SCORING_FAILURES.labels(project)
        self.timeouts = RUN_TIMEOUTS.labels(project)
        self._until_measured = 0
        self.seconds_per_item = seconds_per_item

    def counted(self, items: Sequence[Data]) -> list[Score | None]:
        """Score a batch; None where the graph could not; raises RunTimedOut."""
        started = time.perf_counter()
        scores = self.measured(items)
        self._inference_seconds.observe(time.perf_counter() - started)
        self._batch_items.observe(len(items))
        if unusable := scores.count(None):
            log.error("items_unscored", model_version=self._version, count=unusable)
            self._failures.inc(unusable)
        return scores

    def measured(self, items: Sequence[Data]) -> list[Score | None]:
        """Score as `counted` does, uncounted."""
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
        except RunTimedOut:
            # Halves would take as long again, each of them.
            raise
        except Exception as error:
            # Fail closed: people can answer what the graph chokes on.
            if len(items) > 1:
                middle = len(items) // 2
                return self._scored(items[:middle]) + self._scored(items[middle:])
            log.exception(
                "scoring_failed", model_version=self._version, cause=cause_of(error)[:200]
            )
            return [None]
