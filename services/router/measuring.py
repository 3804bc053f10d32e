"""Gauges of what the router's parts hold, set again and again while they run.

Not when metrics are asked for: whoever is asked may be another worker of the same router.
"""

import asyncio
import contextlib
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from prometheus_client import Gauge

from services.router.decision_log.shipping import RowLog
from services.router.metrics import QUEUE_ITEMS, VERSION_INFO, begin_counting
from services.router.versions.registry import Versions
from shared.loops import Loop

_LONGEST_SECONDS = 1.0


class Series:
    """A gauge whose label sets come and go; what is no longer held is no longer shown."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._shown: set[tuple[str, ...]] = set()

    def show(self, values: Mapping[tuple[str, ...], float]) -> None:
        """Show these values by their labels, and no others."""
        for labels, value in values.items():
            self._gauge.labels(*labels).set(value)
        for labels in self._shown - values.keys():
            # Where several workers share files a series cannot be removed: 0 says it then.
            self._gauge.labels(*labels).set(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._gauge.remove(*labels)
        self._shown = set(values)


class Measuring:
    """Looks at the parts at every poll, and each second at least."""

    def __init__(self, versions: Versions, logs: Sequence[RowLog], poll_seconds: float) -> None:
        self._versions = versions
        self._logs = logs
        seconds = min(poll_seconds, _LONGEST_SECONDS)
        self.loop = Loop("measuring", self._turn, partial(asyncio.sleep, seconds))
        self._in_memory = Series(VERSION_INFO)
        self._waiting = Series(QUEUE_ITEMS)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Measuring"]:
        """Measure while the block lasts; show nothing of the past after it."""
        try:
            async with self.loop.running():
                yield self
        finally:
            self._in_memory.show({})
            self._waiting.show({})

    async def _turn(self) -> None:
        self.measure()

    def measure(self) -> None:
        """Set each gauge to what it is at this moment."""
        waiting: Counter[tuple[str, ...]] = Counter()
        roles: dict[tuple[str, ...], float] = {}
        for project in self._versions.known():
            begin_counting(project)
            waiting[project,] = 0
        for project, role, loaded in self._versions.in_memory():
            roles[project, loaded.version, role] = 1
            waiting[project,] += loaded.batcher.items_waiting
        self._in_memory.show(roles)
        self._waiting.show(waiting)
        for log in self._logs:
            log.measure()
