"""Renewals label by label beside renewals by draws, at equal mean labels.

    python -m bench science renewals --runs 200

A version was certified by up to three draws and is certified again: by such draws, or label by
label (`label_until`) with the certified threshold as the known one, with at most as many labels.
Label by label has two rules. *Stricter*: one threshold, of 80 % of the certified coverage. *Down*:
thresholds of 60, 70, 80, 90 and 100 % of it, in this order, each once the one before is certified.
All spend what the first test of a period may.

The first column is the renewal by draws of the project's size. Beside each rule stands what
renewals by draws of other sizes cover with the same mean number of labels, interpolated.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.science.certify import calibrated, rising_slowly
from bench.science.label_until import labels_needed
from services.trainer.promise.certify import certify, may_still_certify
from services.trainer.promise.planning import CertificationPlan, next_draw, plan_certification
from shared.contracts.certificates import attempt_delta

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Renewal = tuple[float, int]
"""Coverage, 0 where nothing was certified, and labels."""

DELTA, DRAWS, TUNE, UNLABELLED = 0.05, 3, 1_000, 2_000
SIZES = (0.1, 0.2, 0.4, 0.7, 1.0, 1.5)
STRICTER = (0.8,)
DOWN = (0.6, 0.7, 0.8, 0.9, 1.0)
PROMISES = ((0.1, 500), (0.05, 500), (0.02, 500), (0.01, 1_000))


@dataclass(frozen=True)
class Population:
    """Items by rank u, uniform with 0 the surest; error risk(u)."""

    name: str
    risk: Callable[[FloatArray], FloatArray]


POPULATIONS = (
    Population("calibrated", calibrated),
    Population("rising slowly", rising_slowly),
    Population("good model", lambda u: 0.15 * u**4),
)


@dataclass(frozen=True)
class Version:
    """A version's out-of-fold predictions, and the population that it answers."""

    population: Population
    ranks: FloatArray
    right: BoolArray

    @classmethod
    def train(cls, population: Population, rng: np.random.Generator) -> "Version":
        """Draw a version."""
        ranks = rng.random(TUNE)
        return cls(population, ranks, rng.random(TUNE) >= population.risk(ranks))

    def by_draws(self, alpha: float, labels: int, rng: np.random.Generator) -> Renewal:
        """Certify by up to three draws of so many labels."""
        plan = plan_certification(
            1 - self.ranks,
            self.right,
            1 - rng.random(UNLABELLED),
            alpha=alpha,
            delta=DELTA,
            labels=labels,
            draws=DRAWS,
        )
        scores, right = np.empty(0), np.empty(0, dtype=np.bool_)
        while plan is not None:
            more = rng.random(plan.labels_of_draw) * (1 - plan.region)
            scores = np.append(scores, 1 - more)
            right = np.append(right, rng.random(len(more)) >= self.population.risk(more))
            result = certify(plan, scores, right)
            if result.threshold is not None:
                return 1 - result.threshold, len(scores)
            if not may_still_certify(plan, scores, right):
                return 0.0, _hopeless_at(plan, scores, right)
            plan = next_draw(plan)
        return 0.0, len(scores)

    def label_by_label(
        self,
        alpha: float,
        coverages: Sequence[float],
        most: int,
        rng: np.random.Generator,
    ) -> Renewal:
        """Label until the last of the thresholds is certified, or the next one cannot be."""
        ranks = rng.random(most) * coverages[-1]
        wrong = rng.random(most) < self.population.risk(ranks)
        reached, taken = 0.0, 0
        for coverage in coverages:
            accepted = np.cumsum(ranks <= coverage)
            errors = np.cumsum(wrong & (ranks <= coverage))
            spent = attempt_delta(DELTA, 1)
            needed = labels_needed(np.arange(errors[-1] + 1), spent, alpha)[errors]
            left = most - np.arange(1, most + 1)
            decided = (accepted >= needed) | (needed > accepted + left)
            at = int(decided.argmax())
            taken = max(taken, at + 1)
            if accepted[at] < needed[at]:
                break
            reached = coverage
        return reached, taken


def _hopeless_at(plan: CertificationPlan, scores: FloatArray, right: BoolArray) -> int:
    """Count the labels after which none could certify any more."""
    known, hopeless = len(scores) - plan.labels_of_draw, len(scores)
    while hopeless - known > 1:
        middle = (known + hopeless) // 2
        if may_still_certify(plan, scores[:middle], right[:middle]):
            known = middle
        else:
            hopeless = middle
    return hopeless


def simulate(
    population: Population, alpha: float, labels: int, runs: int, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """Renew versions that were certified.

    Returns
    -------
    By rule, ``stricter``, ``down`` or the labels of a draw, an array of shape (renewals, 2):
    coverage and labels. Fewer than `runs`: not every version is certified at first.
    """
    found: dict[str, list[Renewal]] = {}
    for _ in range(runs):
        version = Version.train(population, rng)
        coverage, _labels = version.by_draws(alpha, labels, rng)
        if not coverage:
            continue
        for size in SIZES:
            renewal = version.by_draws(alpha, round(size * labels), rng)
            found.setdefault(str(round(size * labels)), []).append(renewal)
        for name, shares in (("stricter", STRICTER), ("down", DOWN)):
            tested = [share * coverage for share in shares]
            renewal = version.label_by_label(alpha, tested, DRAWS * labels, rng)
            found.setdefault(name, []).append(renewal)
    return {name: np.asarray(renewals, dtype=np.float64) for name, renewals in found.items()}


def by_draws_at(found: dict[str, FloatArray], labels: float) -> float:
    """Coverage of renewals by draws that take so many labels on average, interpolated."""
    means = sorted(tuple(found[name].mean(axis=0)) for name in found if name.isdigit())
    covered = np.maximum.accumulate([0.0] + [coverage for coverage, _ in means])
    return float(np.interp(labels, [0.0] + [taken for _, taken in means], covered))


def row(population: Population, alpha: float, labels: int, runs: int, seed: int) -> str:
    """Simulate one line of the table."""
    found = simulate(population, alpha, labels, runs, np.random.default_rng(seed))
    line = f"{population.name:13} {1 - alpha:6.0%} {labels:6,}"
    if len(found.get("down", ())) < runs / 10:
        return f"{line}  hardly ever certified at first"
    coverage, taken = found[str(labels)].mean(axis=0)
    line += f" {coverage:8.1%} {taken:6,.0f}"
    for name in ("stricter", "down"):
        coverage, taken = found[name].mean(axis=0)
        certified = found[name][found[name][:, 0] > 0, 1]
        median = np.median(certified) if len(certified) else np.inf
        equal = by_draws_at(found, taken)
        line += f" {coverage:9.1%} {taken:6,.0f} {median:6,.0f} {equal:8.1%}"
    return line


def main(arguments: list[str] | None = None) -> None:
    """Print the table; `arguments` None means those of the command line."""
    parser = argparse.ArgumentParser(description="renewals label by label and by draws")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    rule = "coverage   mean median by draws"
    print(f"{'':26} {'by draws':>15}  {'label by label, stricter':32} label by label, down")
    print(f"population    promise labels coverage   mean  {rule}  {rule}")
    for alpha, labels in PROMISES:
        for population in POPULATIONS:
            print(row(population, alpha, labels, asked.runs, asked.seed), flush=True)


if __name__ == "__main__":
    main()
