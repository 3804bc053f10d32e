"""Gauges that are read from elsewhere, again and again, and not when metrics are asked for."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from shared.db import DatabaseFault
from shared.loops import Loop

# As often as Prometheus usually asks.
_SECONDS = 15.0
# Measuring takes a twentieth of the time at most.
_RESTS_PER_MEASUREMENT = 20.0


def measuring_loop(measure: Callable[[], Awaitable[object]]) -> Loop:
    """Return a loop that calls `measure` every 15 seconds, more rarely where it takes long."""
    took = 0.0

    async def turn() -> None:
        nonlocal took
        started = time.monotonic()
        await measure()
        took = time.monotonic() - started

    async def rest() -> None:
        await asyncio.sleep(max(_SECONDS, _RESTS_PER_MEASUREMENT * took))

    return Loop("measuring", turn, rest, expected=(DatabaseFault, OSError))
