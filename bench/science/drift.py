"""Drift: false alarms on quiet items, delay after a shift, and the accuracy estimate.

    python -m bench science drift --runs 100

Quiet runs have 20,000 items of four streams. A shift moves the mean of one stream by 0.3 standard
deviations after 5,000 items. The accuracy is estimated under a shift to harder items, by the
confidences of a calibrated model and of one
that is too sure of itself.
"""

import argparse

import numpy as np
from scipy.special import expit

from services.trainer.monitoring.drift.detector import DriftDetector, FloatArray, take
from services.trainer.monitoring.drift.effects import estimated_accuracy

_QUIET_ITEMS, _STREAMS = 20_000, 4
_BEFORE, _AFTER, _SHIFT = 5_000, 5_000, 0.3
_PAGE = 1_000
_ITEMS = 2_000


def main(arguments: list[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="bench science drift")
    parser.add_argument("--runs", type=int, default=100)
    runs: int = parser.parse_args(arguments).runs
    random = np.random.default_rng(20261128)
    alarms = sum(
        _alarm(random.normal(size=(_QUIET_ITEMS, _STREAMS)), random) is not None
        for _ in range(runs)
    )
    print(f"false alarms in {runs} quiet runs of {_QUIET_ITEMS:,} items: {alarms}", flush=True)
    for streams in (1, 2, _STREAMS):
        delays = np.array([_delay(streams, random) for _ in range(runs)])
        print(
            f"a shift of {_SHIFT} standard deviations in one of {streams} streams: found after a"
            f" median of {np.median(delays):.0f} items, nine in ten within"
            f" {np.quantile(delays, 0.9):.0f}",
            flush=True,
        )
    for name, sharpness in (("calibrated", 1.0), ("too sure", 2.0)):
        errors = [_estimate_error(sharpness, random) for _ in range(runs)]
        print(
            f"accuracy estimate under harder items, {name}: off by"
            f" {100 * np.mean(errors):.1f} points on average"
        )


def _alarm(values: FloatArray, random: np.random.Generator) -> int | None:
    """Return the place of the first alarm."""
    detector = DriftDetector.start(values.shape[1])
    for start in range(0, len(values), _PAGE):
        page = values[start : start + _PAGE]
        places = np.arange(start, start + len(page))
        detector = take(detector, page, random.random(page.shape), places)
        if detector.alarm is not None:
            return detector.alarm.place
    return None


def _delay(streams: int, random: np.random.Generator) -> float:
    values = random.normal(size=(_BEFORE + _AFTER, streams))
    values[_BEFORE:, 0] -= _SHIFT
    place = _alarm(values, random)
    return float("inf") if place is None else max(0, place - _BEFORE)


def _estimate_error(sharpness: float, random: np.random.Generator) -> float:
    """Return how far the estimate is off on items that are harder than those before."""
    logits = random.normal(0.8, 1.2, _ITEMS)
    right = random.random(_ITEMS) < expit(np.abs(logits))
    confidences = expit(sharpness * np.abs(logits))
    return abs(float(estimated_accuracy(confidences) or 0.0) - float(right.mean()))
