"""What a batcher says of its queue, for admission."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.routing import FloatArray
from services.router.scoring.batching import Batcher

QUICK, SLOW = 1e-5, 1e-3


def rows(items: Sequence[Any]) -> FloatArray:
    return np.full((len(items), 2), 0.5, dtype=np.float32)


@pytest.mark.parametrize("seconds_per_item", [QUICK, SLOW])
@given(calls=st.lists(st.tuples(st.integers(1, 300), st.booleans()), max_size=12))
def test_nothing_is_ahead_once_all_is_answered_or_left(
    seconds_per_item: float, calls: list[tuple[int, bool]]
) -> None:
    async def run() -> None:
        batcher = Batcher(rows, seconds_per_item, "v1")
        futures = []
        for count, leaves in calls:
            before = batcher.items_ahead
            future = batcher.score([{}] * count)
            assert batcher.items_ahead == before + min(count, 16)
            if leaves:
                future.cancel()
            futures.append(future)
        assert batcher.items_waiting == sum(count for count, _ in calls)
        await asyncio.gather(*futures, return_exceptions=True)
        # The last to be looked at may be one whose caller has left.
        for _ in range(200):
            if not batcher.items_ahead:
                break
            await asyncio.sleep(0.001)
        assert (batcher.items_ahead, batcher.items_waiting) == (0, 0)

    asyncio.run(run())


async def test_items_that_are_being_run_in_a_thread_are_still_ahead() -> None:
    running, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def held(items: Sequence[Any]) -> FloatArray:
        loop.call_soon_threadsafe(running.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)
        return rows(items)

    batcher = Batcher(held, SLOW, "v1")
    future = batcher.score([{}] * 5)
    await running.wait()
    assert (batcher.items_ahead, batcher.items_waiting) == (5, 0)
    go_on.set()
    assert len(await future) == 5
    assert batcher.items_ahead == 0


async def test_the_pace_counts_what_the_loop_does_between_runs() -> None:
    batcher = Batcher(rows, QUICK, "v1")

    async def call() -> None:
        await batcher.score([{}] * 64)
        until = loop.time() + 0.01
        while loop.time() < until:
            pass

    loop = asyncio.get_running_loop()
    await asyncio.gather(*(call() for _ in range(40)))
    assert batcher.pace.seconds > 5 * batcher.seconds_per_item
