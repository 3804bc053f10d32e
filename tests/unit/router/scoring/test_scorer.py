"""The size of a graph's batches is the one that it was faster in."""

import itertools
from collections.abc import Callable

import numpy as np
import psutil
import pytest

from services.router.scoring.session import Scorer
from shared.contracts.base import utc_now
from shared.contracts.versions import Manifest, ModelInput
from shared.fields.number import NumberField
from tests.graphs import FLOAT, LABELS, bytes_of, linear, model_of

FIELDS = {"score": NumberField()}
NARROW, WIDE = 16, 64


def clock(alone: float, narrow: float, wide: float) -> Callable[[], float]:
    """A clock by which three warm-up runs, then runs in narrow and in wide batches take so long."""
    steps = itertools.chain([0.0, alone] * 3, itertools.cycle([0.0, narrow, 0.0, wide]))
    now = 0.0

    def read() -> float:
        nonlocal now
        now += next(steps)
        return now

    return read


def small_graph() -> bytes:
    nodes, constants = linear("x", [1.0])
    return bytes_of(model_of(nodes, {"x": (FLOAT, [None, 1])}, constants=constants))


def scorer(*, threads: int = 1, alone: float = 1e-5, narrow: float = 1, wide: float = 1) -> Scorer:
    manifest = Manifest(
        version="v1",
        created_at=utc_now(),
        labels=LABELS,
        recipe="test",
        model_sha256="0" * 64,
        inputs=[ModelInput(name="x", field="score", dtype="float32", shape=[-1, 1])],
        outputs={"probabilities": "probabilities"},
    )
    timer = clock(alone, narrow, wide)
    return Scorer(small_graph(), manifest, FIELDS, threads=threads, run_seconds=60, clock=timer)


@pytest.mark.parametrize(
    ("narrow", "wide", "expected"),
    [(1.0, 0.9, WIDE), (1.0, 1.6, NARROW), (1.0, 0.99, NARROW), (1.0, 1.0, NARROW)],
)
def test_batches_are_wide_only_where_that_pays(narrow: float, wide: float, expected: int) -> None:
    made = scorer(narrow=narrow, wide=wide)
    assert made.graph.batch == expected
    items = [{"score": value} for value in np.linspace(-3, 3, 3 * WIDE + 1)]
    found = made.graph.run(items)[:, 1]
    assert found == pytest.approx([1 / (1 + np.exp(-item["score"])) for item in items], abs=1e-6)


@pytest.mark.parametrize(("seconds", "more"), [(1e-5, 0), (1e-2, 3)])
def test_only_a_graph_that_is_not_quick_has_threads_of_its_own(seconds: float, more: int) -> None:
    # The first run of all starts the thread that watches deadlines.
    scorer()
    process = psutil.Process()
    before = {thread.id for thread in process.threads()}
    made = scorer(threads=4, alone=seconds)
    assert len({thread.id for thread in process.threads()} - before) == more
    assert made.graph.run([{"score": 0.0}]).tolist() == [[0.5, 0.5]]
