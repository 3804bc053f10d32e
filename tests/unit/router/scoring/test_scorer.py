"""The size of a graph's batches is the one that it was faster in."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from services.router.scoring.session import Scorer
from shared.contracts.base import utc_now
from shared.contracts.versions import Manifest, ModelInput
from shared.fields.number import NumberField
from tests.graphs import FLOAT, LABELS, bytes_of, linear, model_of

FIELDS = {"score": NumberField()}
NARROW, WIDE = 16, 64


def clock(narrow: float, wide: float) -> Callable[[], float]:
    """A clock by which runs in narrow and in wide batches take so long, in turn."""
    steps = itertools.cycle([0.0, narrow, 0.0, wide])
    now = 0.0

    def read() -> float:
        nonlocal now
        now += next(steps)
        return now

    return read


def scorer(narrow: float, wide: float) -> Scorer:
    nodes, constants = linear("x", [1.0])
    model = bytes_of(model_of(nodes, {"x": (FLOAT, [None, 1])}, constants=constants))
    manifest = Manifest(
        version="v1",
        created_at=utc_now(),
        labels=LABELS,
        recipe="test",
        model_sha256="0" * 64,
        inputs=[ModelInput(name="x", field="score", dtype="float32", shape=[-1, 1])],
        outputs={"probabilities": "probabilities"},
    )
    return Scorer(model, manifest, FIELDS, threads=1, clock=clock(narrow, wide))


@pytest.mark.parametrize(
    ("narrow", "wide", "expected"),
    [(1.0, 0.9, WIDE), (1.0, 1.6, NARROW), (1.0, 0.99, NARROW), (1.0, 1.0, NARROW)],
)
def test_batches_are_wide_only_where_that_pays(narrow: float, wide: float, expected: int) -> None:
    made = scorer(narrow, wide)
    assert made.graph.batch == expected
    items = [{"score": value} for value in np.linspace(-3, 3, 3 * WIDE + 1)]
    found = made.graph.run(items)[:, 1]
    assert found == pytest.approx([1 / (1 + np.exp(-item["score"])) for item in items], abs=1e-6)
