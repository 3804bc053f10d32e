"""The draw of a relabel plan: sizes, quotas, and chances that are true."""

from collections import Counter

import numpy as np
import pytest

from services.trainer.monitoring.relabel.planning import LEAST_OF_SLICE, draw

STRATA = ["positive"] * 600 + ["negative"] * 340 + ["mail and north"] * 60


def test_a_plan_follows_the_traffic_and_gives_a_failing_slice_its_quota() -> None:
    drawn = draw(STRATA, ["mail and north"], 200, seed=1)
    assert len(drawn.aligned) + len(drawn.random) == 200
    assert len(drawn.random) == 60
    assert not set(drawn.aligned) & set(drawn.random)
    counts = Counter(STRATA[at] for at in drawn.aligned)
    assert dict(counts) == drawn.taken
    assert counts["mail and north"] == LEAST_OF_SLICE
    assert counts["positive"] / counts["negative"] == pytest.approx(600 / 340, abs=0.1)


def test_chances_are_those_of_the_draw() -> None:
    runs, seen = 400, np.zeros(len(STRATA))
    for seed in range(runs):
        drawn = draw(STRATA, ["mail and north"], 200, seed)
        seen[[*drawn.aligned, *drawn.random]] += 1
    for words in set(STRATA):
        members = np.array([one == words for one in STRATA])
        expected = drawn.propensity[members].mean()
        assert seen[members].mean() / runs == pytest.approx(expected, abs=0.01)
    assert drawn.propensity.sum() == pytest.approx(200)


@pytest.mark.parametrize("labels", [1, 2, 5, 999, 1_000, 5_000])
def test_every_size_is_drawn_in_full(labels: int) -> None:
    drawn = draw(STRATA, ["mail and north"], labels, seed=3)
    assert len(set(drawn.aligned) | set(drawn.random)) == min(labels, len(STRATA))
    assert (drawn.propensity <= 1).all()


def test_slices_alone_and_no_items_at_all() -> None:
    assert len(draw(["a"] * 30, ["a"], 20, seed=1).aligned) == 14
    assert draw([], [], 10, seed=1).aligned == []
