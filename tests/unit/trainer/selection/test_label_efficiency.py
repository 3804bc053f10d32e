"""Chosen labels teach more than random ones (the whole: `python -m bench label-efficiency`)."""

from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from bench.label_efficiency.curves import budgets, curve, labels_needed
from bench.label_efficiency.sets import digits


def test_digits_need_fewer_labels_and_are_never_worse() -> None:
    found, at = digits(Path()), budgets(300, 50)
    with threadpool_limits(limits=1):
        mean = {
            strategy: np.mean(
                [curve(found, strategy, seed, most=300, batch=50) for seed in range(2)], axis=0
            )
            for strategy in ("random", "auto")
        }
    needed = labels_needed(mean["auto"], float(mean["random"][-1]), at)
    assert needed is not None
    assert needed <= 200
    assert (mean["auto"] - mean["random"])[1:].min() > -0.01
