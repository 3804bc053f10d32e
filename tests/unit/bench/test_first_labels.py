"""How far suspects among the first labels can be trusted, on a set that is easy to learn."""

import numpy as np
import pytest

from bench.first_labels import name_in
from bench.labelled_sets import digits
from services.trainer.recipes.head import RECIPE


@pytest.mark.thorough
def test_wrong_labels_of_an_easy_set_make_more_suspects() -> None:
    found = digits()
    right, wrong = (
        name_in(RECIPE, found, 100, share, np.random.default_rng(0)) for share in (0.0, 0.2)
    )
    assert right.share < 0.1 < wrong.share
    assert wrong.right > 0.4
