"""Renewals in a small form; `python -m bench science renewals` prints the full one."""

import subprocess
import sys
from typing import NoReturn

import numpy as np
import pytest

from bench.science.main import PARTS, Part, TookTooLong, forecast, time_limit
from bench.science.renewals import POPULATIONS, Population, Version, by_draws_at, row, simulate


def test_label_by_label_covers_no_less_than_draws_that_ask_for_as_many_labels() -> None:
    found = simulate(POPULATIONS[0], 0.1, 500, 8, np.random.default_rng(0))
    coverage, labels = found["stricter"].mean(axis=0)
    assert coverage >= by_draws_at(found, labels)
    assert labels < found["500"][:, 1].mean() / 2


def test_an_error_above_the_promise_is_hardly_ever_certified_label_by_label() -> None:
    rng = np.random.default_rng(1)
    bad = Population("flat", lambda u: np.full(u.shape, 0.101))
    version = Version.train(bad, rng)
    reached = [version.label_by_label(0.1, [0.6, 0.8], 600, rng)[0] for _ in range(60)]
    assert np.mean(np.asarray(reached) > 0) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


def test_thresholds_are_certified_in_their_order_and_labels_end_at_the_last() -> None:
    rng = np.random.default_rng(2)
    faultless = Version.train(Population("faultless", np.zeros_like), rng)
    coverage, labels = faultless.label_by_label(0.1, [0.5, 1.0], 600, rng)
    assert coverage == 1.0
    # Half of the labels lie above the stricter threshold, which takes 44 of its own.
    assert 44 <= labels < 150


def test_a_population_that_is_never_certified_has_a_row_that_says_so() -> None:
    flat = Population("flat", lambda u: np.full(u.shape, 0.3))
    assert "hardly ever" in row(flat, 0.1, 100, 3, 0)


def test_the_science_says_how_long_it_takes_and_ends_in_time() -> None:
    parts = {name: Part(lambda _: None, 90 * (number + 1)) for number, name in enumerate("abc")}
    said = "about 9 minutes of one processor, and 27 at most: a 90 s, b 180 s"
    assert said in forecast(parts)
    assert all(name in forecast(PARTS) for name in PARTS)
    with pytest.raises(TookTooLong), time_limit(0.05):
        _never_end()


def test_the_time_that_a_part_waits_for_the_processor_does_not_count() -> None:
    other = "import time\nwhile time.process_time() < 0.5: pass"
    with time_limit(0.4):
        subprocess.run([sys.executable, "-c", other], check=True)


def _never_end() -> NoReturn:
    while True:
        pass
