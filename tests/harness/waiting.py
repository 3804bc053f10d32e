"""Wait for a state, not for a time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

Value = TypeVar("Value")

# No test is about how quick a machine is: this is for one that hangs.
_LONGEST_SECONDS = 180.0
# Asking costs processor time: a state that takes long to come is asked for ever more seldom.
_FIRST_STEP_SECONDS, _LAST_STEP_SECONDS, _STEP_GROWTH = 0.005, 0.1, 1.5


@overload
async def wait_until(
    predicate: Callable[[], Awaitable[Value]], seconds: float = _LONGEST_SECONDS
) -> Value: ...


@overload
async def wait_until(
    predicate: Callable[[], Value], seconds: float = _LONGEST_SECONDS
) -> Value: ...


async def wait_until(predicate: Callable[[], Any], seconds: float = _LONGEST_SECONDS) -> Any:
    """Return the first true value of `predicate`; fail the test after `seconds`.

    A predicate that does not return by then is cancelled.
    """
    step, value = _FIRST_STEP_SECONDS, None
    try:
        async with asyncio.timeout(seconds) as limit:
            while True:
                outcome = predicate()
                value = await outcome if inspect.isawaitable(outcome) else outcome
                if value:
                    return value
                await asyncio.sleep(step)
                step = min(step * _STEP_GROWTH, _LAST_STEP_SECONDS)
    except TimeoutError:
        if not limit.expired():
            raise
        name = getattr(predicate, "__qualname__", repr(predicate))
        raise AssertionError(f"{name} not true within {seconds} s; last value: {value!r}") from None
