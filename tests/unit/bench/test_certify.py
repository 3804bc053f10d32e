"""What certification covers on simulated populations: small form of the bench's table."""

import numpy as np
import pytest

from bench.science.certify import POPULATIONS, certified_share

RUNS = 200


@pytest.mark.parametrize(
    ("name", "oracle", "of_oracle"),
    [("calibrated", 0.3598, 0.87), ("overconfident, 0.4 % floor", 0.1450, 0.60)],
)
def test_coverage_of_the_two_populations_that_the_start_was_chosen_on(
    name: str, oracle: float, of_oracle: float
) -> None:
    population = next(one for one in POPULATIONS if one.name == name)
    curve = population.selective_risk()
    assert (np.flatnonzero(curve <= 0.01)[-1] + 1) / len(curve) == pytest.approx(oracle, abs=1e-4)
    rng = np.random.default_rng(0)
    shares = np.array([certified_share(population, 5_000, 1, rng) for _ in range(RUNS)]) / oracle
    # Two points below, and three standard errors.
    assert shares.mean() >= of_oracle - 0.02 - 3 * shares.std() / RUNS**0.5
    # 5 % may break the promise; three standard errors of 200 runs more.
    assert (shares > 1).mean() <= 0.05 + 3 * (0.05 * 0.95 / RUNS) ** 0.5
