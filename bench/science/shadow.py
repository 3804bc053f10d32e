"""Shadow stages that are watched item by item: false ends, power, and the labels they take."""

import math
from dataclasses import dataclass

import numpy as np

from services.trainer.gate.shadow.betting import log_capital
from services.trainer.gate.spending import try_alpha

_ALPHA = 0.05


@dataclass(frozen=True)
class Setting:
    """The share of items on which the two differ, the margin, and the labels at most."""

    differing: float
    margin: float
    labels: int


@dataclass(frozen=True)
class Found:
    """The shares of runs that ended so, and the median of the labels and items they took."""

    passed: float
    refused: float
    labels: float
    items: float


def simulate(
    random: np.random.Generator,
    setting: Setting,
    difference: float,
    runs: int,
    *,
    patience: int = 0,
) -> Found:
    """Let versions with this difference in accuracy run in shadow, judged at each disagreement.

    Parameters
    ----------
    difference : the challenger's accuracy less the champion's, at most `differing` either way
    patience : how many items come until a verdict that was asked for is given
    """
    ended = [_run(random, setting, difference, patience) for _ in range(runs)]
    return Found(
        passed=float(np.mean([one[0] == "passed" for one in ended])),
        refused=float(np.mean([one[0] == "refused" for one in ended])),
        labels=float(np.median([one[1] for one in ended])),
        items=float(np.median([one[2] for one in ended])),
    )


def _run(
    random: np.random.Generator, setting: Setting, difference: float, patience: int
) -> tuple[str, int, int]:
    """Return how a stage ended, its labels and its items.

    Between two disagreements the evidence for the version rises with each item, and that against it
    falls. So a look just before each disagreement, one at it, and one at its verdict see all that
    continuous watching sees.
    """
    is_won = (setting.differing + difference) / 2 / setting.differing
    asked = np.cumsum(random.geometric(setting.differing, setting.labels))
    won = np.concatenate([[0], np.cumsum(random.random(setting.labels) < is_won)])
    looks = np.unique(np.concatenate([asked - 1, asked, asked + patience]))
    # Past the last disagreement no more items are scored; verdicts still come.
    items = np.minimum(looks, asked[-1])
    differing = np.searchsorted(asked, looks, side="right")
    reviewed = np.searchsorted(asked + patience, looks, side="right")
    gained, waiting = won[reviewed], differing - reviewed
    lost = reviewed - gained
    passes = log_capital(items, gained, lost + waiting, setting.margin)
    refusals = log_capital(items, lost, gained + waiting, -setting.margin)
    is_passed = passes >= -math.log(try_alpha(_ALPHA, 1))
    is_refused = refusals >= -math.log(_ALPHA)
    ends = np.flatnonzero(is_passed | is_refused)
    at = int(ends[0]) if len(ends) else len(looks) - 1
    ending = "passed" if is_passed[at] else "refused" if is_refused[at] else "undecided"
    return ending, int(differing[at]), int(items[at])


def tables(runs: int) -> list[str]:
    """Return the rows of the table."""
    rows = []
    for setting in (
        Setting(0.05, 0.025, 200),
        Setting(0.1, 0.05, 200),
        Setting(0.1, 0.025, 200),
        Setting(0.02, 0.005, 200),
    ):
        random = np.random.default_rng([round(1000 * setting.margin), setting.labels])
        margin = setting.margin
        worse = simulate(random, setting, -margin, runs)
        much_worse = simulate(random, setting, -min(2 * margin, setting.differing), runs // 5)
        equal = simulate(random, setting, 0.0, runs // 5)
        better = simulate(random, setting, margin, runs // 5)
        rows.append(
            f"{setting.differing:8.0%} {margin:6.1%} | {worse.passed:6.2%} {worse.refused:6.2%}"
            f" | {much_worse.refused:6.1%} {much_worse.labels:4.0f} | {equal.passed:6.1%}"
            f" {equal.labels:4.0f} {equal.items:6.0f} | {better.passed:6.1%} {better.labels:4.0f}"
        )
    error = 3 * math.sqrt(_ALPHA * (1 - _ALPHA) / runs)
    rows.append(f"{runs} runs at the margin: three standard errors of 5 % are {error:.2%}")
    return rows
