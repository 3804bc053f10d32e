"""Labels until a threshold is certified or hopeless, beside tests of a fixed number of labels.

    python -m bench science sequential --runs 2000

Prints one row a true error at the threshold: labels to a certificate and to the decision either
way, runs with a certificate, and how often the binomial test certifies with a fixed number of
labels, of the sequential rule's mean. Promise 99 % at 95 % confidence. At an error of 1 % and more
every certificate is false.

A second table is about renewals: a version was certified by up to three draws, and is to be
certified again, by such draws or label by label at one known threshold, which is the certified one
or a stricter one. Both spend what the first test of a period may.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.promise.binomial import power
from services.trainer.promise.certify import certify
from services.trainer.promise.planning import next_draw, plan_certification
from services.trainer.promise.sequential import label_until, labels_needed
from shared.contracts.certificates import attempt_delta

FloatArray = NDArray[np.float64]
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


def renewals(
    alpha: float, labels: int, keeps: float, runs: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Certify a calibrated version, and again label by label; arrays of shape (runs,).

    Parameters
    ----------
    labels : of one draw; label by label three times as many at most
    keeps : in (0, 1], share of the certified coverage above the threshold that is tested again

    Returns
    -------
    Coverage and labels by draws, then label by label; 0 where nothing is certified at first.
    """
    by_draws, drawn = np.zeros(runs), np.zeros(runs)
    again, taken = np.zeros(runs), np.zeros(runs)
    for run in range(runs):
        by_draws[run], drawn[run] = _by_draws(alpha, labels, rng)
        if by_draws[run] > 0:
            within = by_draws[run] * keeps
            wrong = rng.random(3 * labels) < _risk(rng.random(3 * labels) * within)
            spent = attempt_delta(DELTA, 1)
            decision = label_until(wrong, alpha=alpha, delta=spent, budget=3 * labels)
            taken[run] = decision.taken
            again[run] = within if decision.state == "certified" else 0.0
    return by_draws, drawn, again, taken


def _risk(u: FloatArray) -> FloatArray:
    out: FloatArray = 0.5 * u**2.58
    return out


def _by_draws(alpha: float, labels: int, rng: np.random.Generator) -> tuple[float, int]:
    """Return the coverage that up to three draws certify, and the labels that they took."""
    tune = rng.random(1_000)
    plan = plan_certification(
        1 - tune,
        rng.random(1_000) >= _risk(tune),
        1 - rng.random(2_000),
        alpha=alpha,
        delta=DELTA,
        labels=labels,
        draws=3,
    )
    drawn, right = np.empty(0), np.empty(0, dtype=np.bool_)
    while plan is not None:
        more = rng.random(plan.labels_of_draw) * (1 - plan.region)
        drawn = np.append(drawn, more)
        right = np.append(right, rng.random(len(more)) >= _risk(more))
        result = certify(plan, 1 - drawn, right)
        if result.threshold is not None:
            return 1 - result.threshold, len(drawn)
        plan = next_draw(plan)
    return 0.0, len(drawn)


def print_renewals(runs: int, seed: int) -> None:
    """Print the table of renewals."""
    print("promise labels  threshold   by draws: coverage, labels   one by one: coverage, labels")
    for alpha, labels in ((0.05, 500), (0.02, 500), (0.01, 1_000)):
        for keeps in (1.0, 0.8, 0.6):
            rng = np.random.default_rng(seed)
            by_draws, drawn, again, taken = renewals(alpha, labels, keeps, runs, rng)
            known = by_draws > 0
            print(
                f"{1 - alpha:7.0%} {labels:6,} {keeps:10.0%} {by_draws.mean():19.1%} "
                f"{drawn.mean():7,.0f} {again[known].mean():22.1%} {taken[known].mean():7,.0f}"
                f" (median {np.median(taken[known]):,.0f})",
                flush=True,
            )


def main(arguments: list[str] | None = None) -> None:
    """Print the table; `arguments` None means those of the command line."""
    parser = argparse.ArgumentParser(description="label until certified or hopeless")
    parser.add_argument("--runs", type=int, default=2_000)
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
    print_renewals(asked.runs // 4, asked.seed)


if __name__ == "__main__":
    main()
