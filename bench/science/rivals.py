"""Certification beside a hand-picked threshold, SGR and MAPIE, on the same simulated populations.

    python -m bench science rivals --runs 1000

One row a population, label budget and method: runs with a broken promise, runs that answer
anything, and answered share as a share of the oracle's, as in ``certify``. Promise 99 % at 95 %
confidence. Every method gets the same number of labels. Certification draws them in its candidate
region, which it plans on 3,000 out-of-fold predictions that the training labels give for nothing;
the others get a uniform sample of all items, as their users would give them.

- *hand-picked*: the lowest threshold whose labels show an error of at most the target;
- *SGR*: the binary search of Geifman and El-Yaniv, NeurIPS 2017, with Clopper-Pearson bounds;
- *MAPIE*: ``BinaryClassificationController`` for precision, which is the share of right answers
  among those given if "positive" stands for "right"; its 100 default thresholds, and its default
  correction (Bonferroni-Holm) or fixed-sequence testing.
"""

import argparse
import math
import warnings
from collections.abc import Callable

import numpy as np
from mapie.risk_control import BinaryClassificationController
from scipy.stats import beta

from bench.science.certify import ALPHA, DELTA, POPULATIONS, FloatArray, Population, certified_share

# Takes scores and whether they are right, and returns a threshold, or None to answer nothing.
Method = Callable[[FloatArray, FloatArray], float | None]


def hand_picked(scores: FloatArray, right: FloatArray) -> float | None:
    """Return the lowest threshold whose accepted labels err at most at the target."""
    order = np.argsort(-scores)
    errors = np.cumsum(1 - right[order])
    kept = np.flatnonzero(errors <= ALPHA * np.arange(1, len(scores) + 1))
    return float(scores[order[kept[-1]]]) if len(kept) else None


def sgr(scores: FloatArray, right: FloatArray) -> float | None:
    """Return the threshold of SGR (Algorithm 2), for a risk of at most ALPHA at 1 - DELTA."""
    order = np.argsort(-scores)
    errors = np.cumsum(1 - right[order])
    steps = math.ceil(math.log2(len(scores)))
    low, high, found = 1, len(scores), None
    for _ in range(steps):
        accepted = math.ceil((low + high) / 2)
        wrong = errors[accepted - 1]
        bound = beta.ppf(1 - DELTA / steps, wrong + 1, accepted - wrong) if wrong < accepted else 1
        if bound <= ALPHA:
            found, low = float(scores[order[accepted - 1]]), accepted
        else:
            high = accepted
    return found


def mapie(correction: str) -> Method:
    """Return MAPIE's threshold, by one of its corrections for several tests."""

    def choose(scores: FloatArray, right: FloatArray) -> float | None:
        controller = BinaryClassificationController(
            lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]),
            risk="precision",
            target_level=1 - ALPHA,
            confidence_level=1 - DELTA,
            # Fixed-sequence testing begins where few are accepted, at the strictest threshold.
            list_predict_params=np.linspace(0, 0.99, 100)[:: -1 if correction[0] == "f" else 1],
            fwer_method=correction,
        )
        with warnings.catch_warnings():
            # It warns that no threshold is valid.
            warnings.simplefilter("ignore")
            controller.calibrate(scores[:, None], right.astype(int))
        valid = controller.valid_predict_params
        return float(np.min(valid)) if len(valid) else None

    return choose


METHODS: dict[str, Method] = {
    "hand-picked": hand_picked,
    "SGR": sgr,
    "MAPIE, Bonferroni-Holm": mapie("bonferroni_holm"),
    "MAPIE, fixed sequence": mapie("fixed_sequence"),
}
OWN = "certification"


def share_answered(
    population: Population, method: str, labels: int, rng: np.random.Generator
) -> float:
    """Return the share of the traffic that one simulated use of a method answers, 0 for none."""
    if method == OWN:
        return certified_share(population, labels, 1, rng)
    u = rng.random(labels)
    right = (rng.random(labels) >= population.risk(u)).astype(float)
    threshold = METHODS[method](1 - u, right)
    return 0.0 if threshold is None else 1 - threshold


def row(population: Population, method: str, labels: int, runs: int, seed: int) -> str:
    """Simulate one line of the table."""
    rng = np.random.default_rng(seed)
    curve = population.selective_risk()
    kept = np.flatnonzero(curve <= ALPHA)
    oracle = (kept[-1] + 1) / len(curve) if len(kept) else 0.0
    shares = np.array([share_answered(population, method, labels, rng) for _ in range(runs)])
    at = np.clip((shares * len(curve)).astype(int) - 1, 0, None)
    broken = (shares > 0) & (curve[at] > ALPHA)
    of_oracle = f"{shares.mean() / oracle:9.0%}" if oracle else "        -"
    return (
        f"{population.name:35} {labels:6} {method:24} {broken.mean():7.1%} "
        f"{(shares > 0).mean():8.1%} {of_oracle}"
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the table; `arguments` None means those of the command line."""
    parser = argparse.ArgumentParser(description="certification beside other methods")
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--labels", type=int, nargs="+", default=[2_000, 5_000])
    asked = parser.parse_args(arguments)
    print(f"{'population':35} labels {'method':24}  broken  answers of oracle")
    for population in POPULATIONS:
        for labels in asked.labels:
            for method in (*METHODS, OWN):
                print(row(population, method, labels, asked.runs, asked.seed), flush=True)


if __name__ == "__main__":
    main()
