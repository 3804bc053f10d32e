"""Declared slices, and the bootstrap of Brier scores."""

import numpy as np
import pytest

from services.trainer.gate.brier import bootstrap_bound, brier_differences
from services.trainer.gate.comparing import judge_slices
from services.trainer.gate.pairs import Pair


@pytest.mark.thorough
def test_ten_slices_without_a_regression_are_rarely_found_worse() -> None:
    random = np.random.default_rng(16)
    runs, found = 300, 0
    for _ in range(runs):
        drawn = random.choice(3, size=1000, p=[0.05, 0.05, 0.9])
        pairs = [
            Pair(one != 1, one != 0, 0.9, 0.9, {"shop": place % 10})
            for place, one in enumerate(drawn.tolist())
        ]
        judged = judge_slices(pairs, ["shop"], margin=0.01, alpha=0.05, least=50)
        assert len(judged) == 10
        found += any(one.is_worse for one in judged)
    assert found / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


def test_slices_are_listed_the_likeliest_regressions_first() -> None:
    pairs = [
        *(Pair(place > 30, True, 0.9, 0.9, {"shop": "a", "day": 1}) for place in range(100)),
        *(Pair(True, True, 0.9, 0.9, {"shop": "b", "day": 1}) for _ in range(100)),
        *(Pair(True, True, 0.9, 0.9, {"shop": "c", "day": None}) for _ in range(5)),
        *(Pair(True, True, 0.9, 0.9, {"shop": {"x": 1}}) for _ in range(5)),
    ]
    judged = judge_slices(pairs, ["shop", "day"], margin=0.02, alpha=0.05, least=50)
    assert [(one.key, one.value, one.is_worse) for one in judged] == [
        ("shop", "a", True),
        ("day", "1", True),
        ("shop", "b", False),
        ("shop", "c", False),
    ]
    assert judged[-1].p_value is None


def test_brier_difference_is_that_of_squared_errors() -> None:
    pairs = [Pair(True, False, 0.9, 0.6), Pair(False, True, 0.7, 0.8)]
    assert brier_differences(pairs) == pytest.approx([0.01 - 0.36, 0.49 - 0.04])


def test_bootstrap_bound_is_repeatable_and_near_the_normal_one() -> None:
    differences = np.random.default_rng(17).normal(0.0, 0.1, 2000)
    bound = bootstrap_bound(differences, 0.05, seed=3)
    assert bound == bootstrap_bound(differences, 0.05, seed=3)
    expected = differences.mean() + 1.645 * differences.std() / 2000**0.5
    assert bound == pytest.approx(expected, abs=3e-4)
    assert bootstrap_bound(differences, 1e-6, seed=3) > bound
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_bound(np.array([]), 0.05, seed=3)


def test_no_slice_is_found_without_keys_or_items() -> None:
    assert judge_slices([], ["shop"], margin=0.02, alpha=0.05, least=50) == []
    assert judge_slices([Pair(True, True, 1, 1)], [], margin=0.02, alpha=0.05, least=1) == []
