"""Gauges of the versions in memory, the waiting items and the logs, set at intervals.

Not when metrics are asked for: another worker of the router may get that request.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from functools import partial

from services.router.decision_log.shipping import RowLog
from services.router.predict.metrics import begin_counting
from services.router.scoring.metrics import QUEUE_ITEMS
from services.router.versions.metrics import VERSION_INFO
from services.router.versions.registry import Versions
from shared.loops import Loop
from shared.metrics import LabelledGauge

_LONGEST_SECONDS = 1.0


class Measuring:
    """Looks at the parts at every poll, and each second at least."""

    def __init__(self, versions: Versions, logs: Sequence[RowLog], poll_seconds: float) -> None:
        self._versions = versions
        self._logs = logs
        seconds = min(poll_seconds, _LONGEST_SECONDS)
        self.loop = Loop("measuring", self._turn, partial(asyncio.sleep, seconds))
        self._begun: set[str] = set()
        self._in_memory = LabelledGauge(VERSION_INFO)
        self._waiting = LabelledGauge(QUEUE_ITEMS)

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
            if project not in self._begun:
                begin_counting(project)
                self._begun.add(project)
            waiting[project,] = 0
        for project, role, loaded in self._versions.in_memory():
            roles[project, loaded.version, role] = 1
            waiting[project,] += loaded.batcher.items_waiting
        self._in_memory.show(roles)
        self._waiting.show(waiting)
        for log in self._logs:
            log.measure()
