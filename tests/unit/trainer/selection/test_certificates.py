"""A certificate from a pool of which a strategy chose the hard items keeps its promise."""

import numpy as np

from bench.science.active_pools import certified


def test_only_the_reserve_certifies_what_a_strategy_chose_from() -> None:
    rng = np.random.default_rng(0)
    assert certified(4_000, 100, rng, from_reserve=False) > 0.5
    # 5 % are allowed; three standard errors of 400 runs more.
    assert certified(4_000, 400, rng, from_reserve=True) <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


def test_a_good_model_is_certified_from_the_reserve() -> None:
    rng = np.random.default_rng(1)
    assert certified(4_000, 100, rng, from_reserve=True, hard=0.08) > 0.8
