"""The promotion gate: false passes, power, false alarms of slices, and shadow stages.

    python -m bench science gate --runs 20000

A false pass is a version that takes the champion's place though it is worse by exactly the margin.
"""

import argparse
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from bench.science import shadow
from services.trainer.gate.comparing import judge_slices
from services.trainer.gate.pairs import Pair
from services.trainer.gate.spending import try_alpha
from services.trainer.gate.tango import PairCounts, p_not_worse

_ALPHA = 0.05
# Labels, share of discordant items, margin: half of the error promised at 95, 90 and 99 %.
_SETTINGS = ((250, 0.05, 0.025), (500, 0.05, 0.025), (500, 0.1, 0.05), (2000, 0.02, 0.005))
_TRIES = 20


def main(arguments: list[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="bench science gate")
    parser.add_argument("--runs", type=int, default=20_000)
    runs: int = parser.parse_args(arguments).runs
    print("labels  discordant  margin | worse by the margin: first try, any of 20 tries", end="")
    print(" | equal | a margin better | McNemar at the margin, new >= old")
    for row in _tables(runs):
        print(row, flush=True)
    alarms = _slice_alarms(min(runs, 2_000))
    print(f"ten slices of 100 without a regression, one found worse: {alarms:.1%}")
    print("shadow, at most 200 labels; differing  margin | at the margin: passes, refused", end="")
    print(" | two margins worse: refused, labels | equal: passes, labels, items", end="")
    print(" | a margin better: passes, labels")
    for row in shadow.tables(max(10, runs // 2)):
        print(row, flush=True)


def _tables(runs: int) -> Iterator[str]:
    for labels, discordant, margin in _SETTINGS:
        random = np.random.default_rng([labels, round(1000 * margin)])
        worse = _draw(random, labels, discordant, -margin, runs)
        first = _passes(worse, margin, 1).mean()
        any_pass = np.zeros(runs, dtype=np.bool_)
        for number in range(1, _TRIES + 1):
            fresh = _draw(random, labels, discordant, -margin, runs)
            any_pass |= _passes(fresh, margin, number)
        equal = _passes(_draw(random, labels, discordant, 0.0, runs), margin, 1).mean()
        better = _passes(_draw(random, labels, discordant, margin, runs), margin, 1).mean()
        excess = worse[:, 1] - worse[:, 0]
        spread = np.sqrt(np.maximum(1, worse[:, 0] + worse[:, 1]))
        mcnemar = (excess / spread <= norm.isf(_ALPHA)).mean()
        yield (
            f"{labels:6d}  {discordant:10.0%}  {margin:6.1%} | {first:6.2%} {any_pass.mean():6.2%}"
            f" | {equal:6.1%} | {better:6.1%} | {mcnemar:6.1%} {(excess <= 0).mean():6.1%}"
        )


def _draw(
    random: np.random.Generator, labels: int, discordant: float, difference: float, runs: int
) -> NDArray[np.int64]:
    """Return for each run how many items were gained, lost, and neither."""
    gained, lost = (discordant + difference) / 2, (discordant - difference) / 2
    return random.multinomial(labels, [gained, lost, 1 - discordant], size=runs)


def _passes(table: NDArray[np.int64], margin: float, number: int) -> NDArray[np.bool_]:
    """Say of each run whether the accuracy test passes at the given try."""
    rows, places = np.unique(table, axis=0, return_inverse=True)
    counts = [PairCounts(int(row.sum()), int(row[0]), int(row[1])) for row in rows]
    p_values = np.array([p_not_worse(one, margin) for one in counts])
    return np.asarray((p_values <= try_alpha(_ALPHA, number))[places.ravel()], dtype=np.bool_)


def _slice_alarms(runs: int) -> float:
    random = np.random.default_rng(16)
    found = 0
    for _ in range(runs):
        drawn = random.choice(3, size=1000, p=[0.05, 0.05, 0.9]).tolist()
        pairs = [
            Pair(one != 1, one != 0, 0.9, 0.9, {"shop": place % 10})
            for place, one in enumerate(drawn)
        ]
        judged = judge_slices(pairs, ["shop"], margin=0.0, alpha=_ALPHA, least=50)
        found += any(one.is_worse for one in judged)
    return found / runs if runs else math.nan
