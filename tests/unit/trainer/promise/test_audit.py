"""The audit's interval, against published values."""

import pytest

from services.trainer.promise.binomial import interval


@pytest.mark.parametrize(
    ("errors", "n", "lower", "upper"),
    # Clopper-Pearson 95 %; 0 of n ends at 1 - 0.025^(1/n).
    [(0, 60, 0.0, 0.0596), (1, 10, 0.0025, 0.4450), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1)],
)
def test_interval_agrees_with_published_values(
    errors: int, n: int, lower: float, upper: float
) -> None:
    assert interval(errors, n) == pytest.approx((lower, upper), abs=1e-4)
