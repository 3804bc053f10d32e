"""What a batcher says of the calls that are on their way through it."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.limits.admission import Flow
from services.router.scoring.batching import Batcher
from shared.routing.scores import FloatArray
from tests.harness import wait_until

QUICK, SLOW = 1e-5, 1e-3
TURN = 16


def rows(items: Sequence[Any]) -> FloatArray:
    return np.full((len(items), 2), 0.5, dtype=np.float32)


@pytest.mark.parametrize("seconds_per_item", [QUICK, SLOW], ids=["inline", "thread"])
@given(calls=st.lists(st.tuples(st.integers(1, 300), st.booleans()), max_size=12))
def test_all_that_has_come_is_on_its_way_until_it_goes_on_or_is_given_up(
    seconds_per_item: float, calls: list[tuple[int, bool]]
) -> None:
    async def run() -> None:
        batcher = Batcher(rows, seconds_per_item, 16, "shop", "v1")
        futures = []
        for count, leaves in calls:
            before = batcher.flow.ahead
            future = batcher.score([{}] * count)
            assert batcher.flow.ahead == before + min(count, TURN)
            if leaves:
                future.cancel()
            futures.append(future)
        assert batcher.flow.items == sum(count for count, _ in calls)
        await asyncio.gather(*futures, return_exceptions=True)
        await asyncio.sleep(0)
        assert (batcher.flow.ahead, batcher.flow.items) == (0, 0)

    asyncio.run(run())


async def test_a_call_has_left_when_it_goes_on() -> None:
    batcher = Batcher(rows, QUICK, 16, "shop", "v1")
    seen = []

    async def call() -> None:
        await batcher.score([{}])
        seen.append(batcher.flow.items)

    await asyncio.gather(*(call() for _ in range(5)))
    assert seen == [4, 3, 2, 1, 0]


async def test_the_pace_counts_what_the_loop_does_between_batches() -> None:
    async def call(batcher: Batcher) -> None:
        await batcher.score([{}] * TURN)
        time.sleep(0.002)  # noqa: ASYNC251 - as writing an answer keeps the loop busy

    async def counts() -> bool:
        batcher = Batcher(rows, QUICK, 16, "shop", "v1")
        await asyncio.gather(*(call(batcher) for _ in range(100)))
        return batcher.flow.pace > 5 * batcher.runs.seconds_per_item

    # A busy machine interrupts runs too.
    await wait_until(counts)


def run_through(flow: Flow, calls: int, seconds: float = 0.0) -> None:
    """Let `calls` of 64 items pass, of which another one is always on its way."""
    flow.enter(64)
    for _ in range(calls):
        flow.enter(64)
        time.sleep(seconds)
        flow.leave(64)
    flow.leave(64)


def test_pauses_are_not_measured() -> None:
    flow = Flow(QUICK, TURN)
    for _ in range(3):
        time.sleep(0.01)
        flow.enter(64)
        flow.leave(64)
    assert flow.pace == QUICK


def test_refusals_never_slow_the_pace_down_and_may_let_it_recover() -> None:
    flow = Flow(QUICK, TURN)
    flow.enter(64)
    flow.enter(64)
    flow.refuse()
    time.sleep(0.01)
    flow.leave(64)
    assert flow.pace == QUICK
    flow.leave(64)
    run_through(flow, 1, 0.01)
    slow = flow.pace
    assert slow > QUICK
    flow.enter(64)
    for _ in range(5):
        flow.enter(64)
        flow.refuse()
        flow.leave(64)
    assert flow.pace < slow
