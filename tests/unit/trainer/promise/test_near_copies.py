"""Near-copies of training texts: found, and what they would do to a certificate."""

import numpy as np
import pytest

from bench.science.near_copies import Pool, changed, false_certificates, text
from services.trainer.promise.near_copies import NearCopies


def test_near_copies_are_found_and_others_are_not() -> None:
    known = NearCopies([text(i) for i in range(500)])
    found = known.among([changed(text(i), i) for i in range(500)])
    assert sum(found) >= 0.95 * 500
    assert not any(known.among([text(i) for i in range(1_000, 2_000)]))


@pytest.mark.parametrize("short", ["", "!", "ok", "Ja."])
def test_short_texts_are_compared_as_a_whole(short: str) -> None:
    known = NearCopies(["ok", "Good day to you"])
    assert known.among([short]) == [short == "ok"]
    assert NearCopies([]).among([short]) == [False]
    assert NearCopies([short]).among([short.upper()]) == [True]


def test_many_copies_of_one_text_cost_no_more_than_one() -> None:
    known = NearCopies(["the same old text"] * 5_000)
    assert known.among(["The same, old text."]) == [True]
    assert max(len(places) for places in known._places.values()) <= 20


def test_near_copies_of_training_items_in_a_pool_would_break_the_promise() -> None:
    rng = np.random.default_rng(0)
    pool = Pool.make(3_200, rng)
    assert 0.3 < pool.is_copy[pool.rest].mean() < 0.5
    assert false_certificates(pool, 100, rng, leaves_out=False) > 0.3
    assert false_certificates(pool, 100, rng, leaves_out=True) <= 0.05
