"""Gauges of the versions in memory, the waiting items and the logs, set at intervals.

Not when metrics are asked for: another worker of the router may get that request.
"""

import asyncio
import contextlib
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from functools import cache, partial

from prometheus_client import Counter

from services.router.decision_log.shipping import RowLog
from services.router.metrics import (
    AUDITS,
    DECISIONS,
    QUEUE_ITEMS,
    RELOAD_FAILURES,
    RELOADS,
    RUN_TIMEOUTS,
    SCORING_FAILURES,
    VERSION_INFO,
)
from services.router.versions.registry import Versions
from shared.loops import Loop
from shared.metrics import LabelledGauge
from shared.routing.decisions import Decision

_LONGEST_SECONDS = 1.0
_BEGUN_AT_0 = (AUDITS, SCORING_FAILURES, RUN_TIMEOUTS, RELOADS, RELOAD_FAILURES)


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
        waiting: defaultdict[tuple[str, ...], float] = defaultdict(float)
        roles: dict[tuple[str, ...], float] = {}
        for project in self._versions.known():
            if project not in self._begun:
                # From 0 on: a rate misses a series that begins at 1.
                _counter(project, "answered", "confident")
                for counter in _BEGUN_AT_0:
                    counter.labels(project)
                self._begun.add(project)
            waiting[project,] = 0
        for project, role, loaded in self._versions.in_memory():
            roles[project, loaded.version, role] = 1
            waiting[project,] += loaded.batcher.items_waiting
        self._in_memory.show(roles)
        self._waiting.show(waiting)
        for log in self._logs:
            log.measure()


def count_decisions(project: str, decisions: Sequence[Decision]) -> None:
    """Count what became of the items of one call."""
    # Most items of a call share one decision.
    if len(decisions) == 1:
        _count(project, decisions[0], 1)
        return
    times = Counts(map(id, decisions))
    for decision in {id(decision): decision for decision in decisions}.values():
        _count(project, decision, times[id(decision)])


def _count(project: str, decision: Decision, count: int) -> None:
    _counter(project, decision.decision, decision.reason).inc(count)
    if decision.audited:
        AUDITS.labels(project).inc(count)


@cache
def _counter(project: str, decision: str, reason: str) -> Counter:
    return DECISIONS.labels(project, decision, reason)
