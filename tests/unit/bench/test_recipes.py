"""On real items `auto` is as right as the best recipe, to a point; the full run is in bench."""

import numpy as np
import pytest

from bench.labelled_sets import Labelled, digits
from bench.recipes import best_share, choice, compare
from shared.fields.image import ImageField


@pytest.mark.thorough
def test_auto_is_within_a_point_of_the_best_recipe() -> None:
    every = digits()
    fields = {k: one for k, one in every.fields.items() if not isinstance(one, ImageField)}
    draw = compare(Labelled(fields, every.rows, every.labels), 150, 0, 0.9)
    assert set(draw) == {"tabular", "head"}
    assert choice(draw).accuracy >= max(one.accuracy for one in draw.values()) - 0.01
    assert choice(draw).best_share >= max(one.best_share for one in draw.values()) - 0.01


def test_best_share_of_models_that_are_never_and_always_right() -> None:
    scores = np.linspace(0, 1, 50)
    assert best_share(scores, np.zeros(50, dtype=np.bool_), 0.9) == 0
    assert best_share(scores, np.ones(50, dtype=np.bool_), 0.9) == 1
