"""Wait for a state, not for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")

_STEP_SECONDS = 0.02


async def wait_until(
    predicate: Callable[[], Value | Awaitable[Value]], seconds: float = 10.0
) -> Value:
    """Return the first true value of `predicate`; fail the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        outcome = predicate()
        value = await outcome if inspect.isawaitable(outcome) else outcome
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {seconds} s; last value: {value!r}")
        await asyncio.sleep(_STEP_SECONDS)
