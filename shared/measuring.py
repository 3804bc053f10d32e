"""Gauges that show what a database holds: read again and again, not when metrics are asked for."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator

from prometheus_client import Gauge

from shared.db import DatabaseFault
from shared.loops import Loop
from shared.metrics import LabelledGauge

# As often as Prometheus usually asks.
_SECONDS = 15.0
# Measuring takes a twentieth of the time at most.
_RESTS_PER_MEASUREMENT = 20.0

# The values of each gauge by their labels.
Measured = defaultdict[Gauge, dict[tuple[str, ...], float]]


class DatabaseMeasurement:
    """Reads the database every 15 seconds, more rarely where that takes long, and sets gauges.

    Each replica sets the same values.
    """

    def __init__(self, *gauges: Gauge) -> None:
        self._gauges = {gauge: LabelledGauge(gauge) for gauge in gauges}
        self._took = 0.0
        faults = (DatabaseFault, OSError)
        self.loop = Loop("measuring", self.measure, self._rest, expected=faults)

    async def read(self, measured: Measured) -> None:
        """Put the values of the gauges into `measured`."""
        raise NotImplementedError

    async def measure(self) -> None:
        """Set the gauges."""
        started, measured = time.monotonic(), Measured(dict)
        await self.read(measured)
        self._show(measured)
        self._took = time.monotonic() - started

    async def _rest(self) -> None:
        await asyncio.sleep(max(_SECONDS, _RESTS_PER_MEASUREMENT * self._took))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Measure while the block lasts; show no values after it."""
        try:
            async with self.loop.running():
                yield
        finally:
            self.clear()

    def clear(self) -> None:
        """Show no values."""
        self._show(Measured(dict))

    def _show(self, measured: Measured) -> None:
        for gauge, labelled in self._gauges.items():
            labelled.show(measured[gauge])
