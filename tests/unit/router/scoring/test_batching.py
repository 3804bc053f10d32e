"""Batches shared by many calls: each gets its own scores, whatever becomes of its neighbours."""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from starlette.requests import ClientDisconnect
from structlog.testing import capture_logs

from services.router.problems import ModelTimedOut
from services.router.scoring.batching import Batcher
from services.router.scoring.runs import Data
from shared.graphs.deadline import RunTimedOut
from shared.http.waiting import Client, enter_request
from shared.routing.scores import FloatArray, Score
from tests.harness import wait_until

# Whether a batch runs in the event loop or in a thread is a matter of what an item takes.
INLINE, THREAD = 1e-6, 1.0
WAYS = pytest.mark.parametrize("seconds_per_item", [INLINE, THREAD], ids=["inline", "thread"])


def row(item: Data, version: int) -> list[float]:
    """Probabilities that tell item and version, exact in float32: ids below 2,048, versions 32."""
    first, second = item["id"] / 4096, version / 64
    return [first, second, 1 - first - second]


@dataclass
class Graph:
    """A small pure function as a graph: it fails on poison, and `held` keeps it from answering."""

    version: int = 0
    held: threading.Event | None = None
    batches: list[int] = field(default_factory=list)

    def run(self, items: Sequence[Data]) -> FloatArray:
        self.batches.append(len(items))
        if self.held is not None:
            assert self.held.wait(timeout=60)
        if any(item.get("poison") for item in items):
            raise ValueError("poison")
        if any(item.get("slow") for item in items):
            time.sleep(0.0005)
        return np.array([row(item, self.version) for item in items], dtype=np.float32)

    def batcher(self, seconds_per_item: float) -> Batcher:
        return Batcher(self.run, seconds_per_item, 16, "shop", f"v{self.version}")

    def expected(self, items: Sequence[Data]) -> list[Any]:
        return [None if item.get("poison") else row(item, self.version) for item in items]


def given_back(scores: Sequence[Score | None]) -> list[Any]:
    return [score and score.probabilities for score in scores]


def items(*ids: int) -> list[dict[str, Any]]:
    return [{"id": i} for i in ids]


@WAYS
async def test_calls_that_come_together_run_together(seconds_per_item: float) -> None:
    graph = Graph()
    batcher = graph.batcher(seconds_per_item)
    calls = [items(n, n + 100) for n in range(8)]
    found = await asyncio.gather(*(batcher.score(call) for call in calls))
    assert [given_back(scores) for scores in found] == [graph.expected(call) for call in calls]
    assert graph.batches == [16]


async def test_calls_one_after_another_do_not_wait_for_company() -> None:
    graph = Graph()
    batcher = graph.batcher(INLINE)
    await batcher.score(items(1))
    alone = batcher.score(items(2))
    assert alone.done()
    # Those that come while it is on its way share a run all the same, and so do those after them.
    together = await asyncio.gather(*(batcher.score(items(n)) for n in range(3, 9)))
    behind = [batcher.score(items(n)) for n in (9, 10)]
    assert not behind[0].done()
    assert [given_back(scores) for scores in (await alone, *together)] == [
        graph.expected(items(n)) for n in range(2, 9)
    ]
    await asyncio.gather(*behind)
    assert graph.batches == [1, 1, 6, 2]


@WAYS
async def test_a_long_call_does_not_keep_a_short_one_waiting_for_all_of_it(
    seconds_per_item: float,
) -> None:
    graph = Graph()
    batcher = graph.batcher(seconds_per_item)
    long = batcher.score(items(*range(1_000)))
    short = batcher.score(items(2_000))
    # After a pause of a busy machine both may end in one turn of the loop.
    ended: list[object] = []
    for call in (long, short):
        call.add_done_callback(ended.append)
    await asyncio.gather(long, short)
    assert ended == [short, long]
    assert given_back(await long) == graph.expected(items(*range(1_000)))
    assert max(graph.batches) == 16


async def test_one_call_that_is_cancelled_leaves_the_rest_of_its_batch_alone() -> None:
    # MLServer 1.7 leaves them waiting for ever, and all that come after them.
    graph = Graph(held=threading.Event())
    batcher = graph.batcher(THREAD)
    calls = [batcher.score(items(n)) for n in range(3)]
    await wait_until(lambda: graph.batches)
    calls[1].cancel()
    waiting = [batcher.score(items(n)) for n in (3, 4)]
    waiting[0].cancel()
    assert graph.held is not None
    graph.held.set()
    async with asyncio.timeout(60):
        assert given_back(await calls[0]) == graph.expected(items(0))
        assert given_back(await calls[2]) == graph.expected(items(2))
        assert given_back(await waiting[1]) == graph.expected(items(4))
        assert given_back(await batcher.score(items(5))) == graph.expected(items(5))
    # The one that had left before its turn was not run.
    assert graph.batches == [3, 1, 1]
    assert (batcher.idle, batcher.items_waiting) == (True, 0)


@WAYS
async def test_an_item_that_the_graph_chokes_on_stands_alone(seconds_per_item: float) -> None:
    graph = Graph()
    batcher = graph.batcher(seconds_per_item)
    calls: list[list[dict[str, Any]]] = [items(n) for n in range(20)]
    calls[7][0]["poison"] = True
    found = await asyncio.gather(*(batcher.score(call) for call in calls))
    assert [given_back(scores) for scores in found] == [graph.expected(call) for call in calls]
    assert found[7] == [None]


@WAYS
async def test_a_run_that_gives_too_few_rows_scores_nothing_wrongly(
    seconds_per_item: float,
) -> None:
    def first_only(batch: Sequence[Data]) -> FloatArray:
        return np.array([row(batch[0], 0)], dtype=np.float32)

    batcher = Batcher(first_only, seconds_per_item, 16, "shop", "v0")
    found = await batcher.score(items(1, 2, 3))
    # One by one it is right.
    assert given_back(found) == Graph().expected(items(1, 2, 3))


FLAGS = st.sampled_from([{}, {}, {}, {"poison": True}, {"slow": True}])
ASKED: st.SearchStrategy[list[dict[str, Any]]] = st.one_of(
    st.lists(FLAGS, min_size=1, max_size=9),
    st.lists(st.just({}), min_size=60, max_size=70),
)
STEP = st.one_of(
    st.tuples(st.just("arrive"), ASKED),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("turns"), st.integers(1, 4)),
    st.tuples(st.just("swap"), st.sampled_from([INLINE, THREAD])),
)


@dataclass
class Call:
    """A call under way: whose it is, what it asked, and what comes."""

    graph: Graph
    asked: list[dict[str, Any]]
    scores: asyncio.Future[list[Score | None]]


class Play:
    """Calls of a project whose version changes under them."""

    def __init__(self, seconds_per_item: float) -> None:
        self.graphs = [Graph()]
        self.batchers = [self.graphs[0].batcher(seconds_per_item)]
        self.calls: list[Call] = []
        self.ids = iter(range(2_048))

    async def arrive(self, flags: list[dict[str, Any]]) -> None:
        asked = [{"id": next(self.ids), **more} for more in flags]
        self.calls.append(Call(self.graphs[-1], asked, self.batchers[-1].score(asked)))

    async def cancel(self, number: int) -> None:
        if self.calls:
            self.calls[number % len(self.calls)].scores.cancel()

    async def turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    async def swap(self, seconds_per_item: float) -> None:
        # What was asked of the old version is still answered by it.
        self.graphs.append(Graph(self.graphs[-1].version + 1))
        self.batchers.append(self.graphs[-1].batcher(seconds_per_item))

    async def perform(self, steps: Sequence[tuple[str, Any]]) -> None:
        for kind, value in steps:
            await getattr(self, kind)(value)
        async with asyncio.timeout(60):
            scores = (call.scores for call in self.calls)
            await asyncio.gather(*scores, return_exceptions=True)
        # The last callers of a batch may have left before it is over.
        await wait_until(lambda: all(batcher.idle for batcher in self.batchers))


@given(st.lists(STEP, max_size=25), st.sampled_from([INLINE, THREAD]))
def test_any_interleaving_gives_each_call_its_own_scores_of_one_version(
    steps: list[tuple[str, Any]], seconds_per_item: float
) -> None:
    async def play() -> Play:
        made = Play(seconds_per_item)
        await made.perform(steps)
        return made

    with capture_logs():
        made = asyncio.run(play())
    for call in made.calls:
        if not call.scores.cancelled():
            assert given_back(call.scores.result()) == call.graph.expected(call.asked)
    assert [batcher.items_waiting for batcher in made.batchers] == [0] * len(made.batchers)


def timeouts() -> float:
    labels = {"project": "shop"}
    return REGISTRY.get_sample_value("surehand_router_run_timeouts_total", labels) or 0.0


@WAYS
async def test_a_run_that_times_out_fails_its_calls_and_no_later_one(
    seconds_per_item: float,
) -> None:
    graph = Graph()

    def run(some: Sequence[Data]) -> FloatArray:
        if any(item.get("hangs") for item in some):
            raise RunTimedOut(7)
        return graph.run(some)

    batcher = Batcher(run, seconds_per_item, 16, "shop", "v3", run_seconds=7)
    before = timeouts()
    for together in (False, True):
        calls = [batcher.score([{"id": 1, "hangs": True}])]
        calls += [batcher.score(items(2))] if together else []
        for call in calls:
            with pytest.raises(ModelTimedOut) as caught:
                await call
            assert caught.value.headers["Retry-After"] == "7"
        assert given_back(await batcher.score(items(3))) == graph.expected(items(3))
    assert timeouts() - before == 2
    assert (batcher.idle, batcher.items_waiting, batcher.flow.items) == (True, 0, 0)
    with pytest.raises(ModelTimedOut):
        await batcher.run_unbatched(run, [{"id": 1, "hangs": True}])
    assert timeouts() - before == 3


async def test_a_run_that_cannot_be_ended_is_not_waited_for() -> None:
    graph = Graph(held=threading.Event())
    assert graph.held is not None
    batcher = Batcher(graph.run, THREAD, 16, "shop", "v3", run_seconds=1.0)
    before = timeouts()
    first = batcher.score(items(1))
    await wait_until(lambda: graph.batches)
    second = batcher.score(items(2))
    for call in (first, second):
        with pytest.raises(ModelTimedOut):
            await call
    # As long as it goes on all others are refused at once.
    assert isinstance(batcher.score(items(3)).exception(), ModelTimedOut)
    await asyncio.sleep(0)
    assert (batcher.idle, batcher.items_waiting, batcher.flow.items) == (False, 0, 0)
    graph.held.set()
    await wait_until(lambda: batcher.idle)
    assert given_back(await batcher.score(items(4))) == graph.expected(items(4))
    assert (timeouts() - before, graph.batches) == (1, [1, 1])


@pytest.mark.thorough
async def test_a_run_aside_that_cannot_be_ended_keeps_no_batch_waiting() -> None:
    graph, begun, held = Graph(), threading.Event(), threading.Event()

    def run() -> bool:
        begun.set()
        return held.wait()

    batcher = Batcher(graph.run, THREAD, 16, "shop", "v3", run_seconds=1.0)
    before = timeouts()
    left = asyncio.create_task(batcher.run_unbatched(run))
    await wait_until(begun.is_set)
    # Its caller leaves and it goes on; so those that come after it do not begin.
    left.cancel()
    for _ in range(2):
        with pytest.raises(ModelTimedOut):
            await batcher.run_unbatched(len, "ab")
        assert given_back(await batcher.score(items(1))) == graph.expected(items(1))
    held.set()

    async def begins() -> bool:
        try:
            return await batcher.run_unbatched(len, "ab") == 2
        except ModelTimedOut:
            return False

    await wait_until(begins)
    # What did not begin has not timed out.
    assert timeouts() == before


async def test_a_graph_whose_time_is_not_bounded_never_runs_in_the_event_loop() -> None:
    graph, threads = Graph(), set()

    def run(some: Sequence[Data]) -> FloatArray:
        threads.add(threading.get_ident())
        return graph.run(some)

    batcher = Batcher(run, INLINE, 16, "shop", "v1", is_bounded=False)
    for n in range(3):
        await batcher.score(items(n))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_a_call_whose_client_has_left_is_not_run() -> None:
    held = threading.Event()
    graph = Graph(held=held)
    batcher = graph.batcher(THREAD)
    first = batcher.score(items(1))
    await wait_until(lambda: graph.batches == [1])
    client = Client()
    enter_request(client)
    left = batcher.score(items(*range(100)))
    enter_request(None)
    stays = batcher.score(items(2, 3))
    client.gone = True
    held.set()
    assert given_back(await stays) == graph.expected(items(2, 3))
    with pytest.raises(ClientDisconnect):
        await left
    assert len(await first) == 1
    assert graph.batches == [1, 2]
    assert batcher.flow.items == 0
