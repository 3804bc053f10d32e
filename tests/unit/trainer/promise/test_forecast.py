"""What a promise is forecast to mean, against a population that is known."""

import numpy as np
import pytest

from services.trainer.promise.figures.forecast import audits_to_detect, forecast


def test_a_known_population() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.5, 1, 20_000)
    right = rng.random(20_000) < scores
    found = forecast(
        scores.tolist(),
        right.tolist(),
        scores.tolist(),
        items_per_hour=1000,
        target_accuracy=0.9,
        confidence=0.95,
        audit_rate=0.1,
    )
    # Above a threshold t the mean error is (1 - t) / 2: a tenth at 0.8, which 40 % reach.
    assert found.threshold == pytest.approx(0.8, abs=0.02)
    assert found.share_answered == pytest.approx(0.4, abs=0.04)
    assert found.errors_per_thousand == pytest.approx(40, abs=5)
    assert found.reviews_per_hour == pytest.approx(640, abs=40)
    assert found.labels_without_error == 29
    assert found.audits_to_detect == audits_to_detect(0.1)
    assert found.days_to_detect == pytest.approx(153 / (24 * 1000 * 0.4 * 0.1), rel=0.1)


def test_a_target_that_nothing_keeps_sends_all_to_people() -> None:
    found = forecast(
        [0.9] * 100,
        [True, False] * 50,
        [0.9],
        items_per_hour=10,
        target_accuracy=0.99,
        confidence=0.95,
        audit_rate=0.1,
    )
    assert (found.threshold, found.share_answered, found.reviews_per_hour) == (None, 0, 10)
    assert (found.audits_to_detect, found.days_to_detect) == (None, None)


@pytest.mark.parametrize(("alpha", "simulated"), [(0.01, 945)])
def test_delay_is_near_the_simulated_median(alpha: float, simulated: int) -> None:
    assert simulated <= audits_to_detect(alpha) <= 1.25 * simulated
