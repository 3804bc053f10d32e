"""Labels until a threshold is certified or hopeless, beside tests of a fixed number of labels.

    python -m bench science sequential --runs 1000

Prints one row a true error at the threshold: labels to a certificate and to the decision either
way, runs with a certificate, and how often the binomial test certifies with a fixed number of
labels, of the sequential rule's mean. Promise 99 % at 95 % confidence. At an error of 1 % and more
every certificate is false.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.science.label_until import labels_needed
from services.trainer.promise.binomial import power

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ALPHA, DELTA = 0.01, 0.05
ERRORS = (0.0, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.012, 0.02, 0.05)
_RUNS_AT_ONCE = 250


@dataclass(frozen=True)
class Decisions:
    """Labels taken by each run, and whether it certified; arrays of shape (runs,)."""

    labels: IntArray
    certified: BoolArray


def decide(wrong: BoolArray, *, alpha: float = ALPHA, delta: float = DELTA) -> Decisions:
    """Label until certified or hopeless, for runs side by side.

    Parameters
    ----------
    wrong : shape (runs, budget)
    """
    budget = wrong.shape[1]
    errors = np.cumsum(wrong, axis=1)
    needed = labels_needed(np.arange(errors.max(initial=0) + 1), delta, alpha)[errors]
    certified, hopeless = np.arange(1, budget + 1) >= needed, needed > budget
    # Each run ends: with the last label of the budget it has either enough, or never will.
    at = (certified | hopeless).argmax(axis=1)
    return Decisions(at + 1, certified[np.arange(len(wrong)), at])


def simulate(error: float, budget: int, runs: int, rng: np.random.Generator) -> Decisions:
    """Decide `runs` times at a true error."""
    parts = [
        decide(rng.random((min(_RUNS_AT_ONCE, runs - start), budget)) < error)
        for start in range(0, runs, _RUNS_AT_ONCE)
    ]
    return Decisions(
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.certified for part in parts]),
    )


def row(error: float, budget: int, runs: int, seed: int) -> str:
    """Simulate one line of the table."""
    started = time.perf_counter()
    decisions = simulate(error, budget, runs, np.random.default_rng(seed))
    labels, certified = decisions.labels, decisions.certified
    to_certificate = np.quantile(labels[certified], [0.5, 0.9]) if certified.any() else (0.0, 0.0)
    median, most = np.quantile(labels, [0.5, 0.9])
    mean = int(labels.mean())
    return (
        f"{error:6.1%} {budget:7,} {certified.mean():10.1%}"
        f" {to_certificate[0]:7,.0f} / {to_certificate[1]:6,.0f} {median:7,.0f} / {most:6,.0f}"
        f" {mean:7,} {float(power(mean, error, DELTA, ALPHA)):8.1%}"
        f" {time.perf_counter() - started:6.1f} s"
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the table; `arguments` None means those of the command line."""
    parser = argparse.ArgumentParser(description="label until certified or hopeless")
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budgets", type=int, nargs="+", default=[2_000, 20_000])
    asked = parser.parse_args(arguments)
    print(f"{'':26} {'to a certificate':>15} {'to a decision':>16} {'':7}    fixed")
    print(
        f"{' error':6}  budget  certified {'median / p90':>16} {'median / p90':>16}"
        "    mean   number   time"
    )
    for budget in asked.budgets:
        for error in ERRORS:
            print(row(error, budget, asked.runs, asked.seed), flush=True)


if __name__ == "__main__":
    main()
