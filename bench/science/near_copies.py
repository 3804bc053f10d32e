"""What near-copies of training items in a pool do to certificates.

    python -m bench science near-copies --runs 1000

Half of a pool comes in groups of eight near-copies, and a fifth of the pool trains the model. It is
right on near-copies of what it has learned, and errs on 12 % of all others: of the rest of the
pool, and of the texts that come. 90 % are promised, so every certificate is false.
"""

import argparse
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.science.deployments import passes_start
from services.trainer.promise.near_copies import NearCopies
from services.trainer.promise.planning import plan_certification

DELTA, LABELS, TUNE = 0.05, 500, 1_000
_ERROR, _PREDICTED = 0.12, 0.07
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WORDS = ["".join(random.Random(i).choices(_LETTERS, k=3 + i % 7)) for i in range(3_000)]


def text(seed: int, words: int = 20) -> str:
    """Return a text of made-up words."""
    return " ".join(random.Random(seed).choices(_WORDS, k=words))


def changed(original: str, seed: int) -> str:
    """Shout, punctuate, and replace one word."""
    words = original.split()
    words[random.Random(seed).randrange(len(words))] = "other"
    return ("RT: " if seed % 2 else "") + ", ".join(words).upper() + "!"


@dataclass(frozen=True)
class Pool:
    """Which items of a pool are left to draw from, and which are near-copies of training items."""

    rest: NDArray[np.int64]
    is_copy: NDArray[np.bool_]

    @classmethod
    def make(cls, size: int, rng: np.random.Generator) -> "Pool":
        """Make the texts of a pool, and find the near-copies among them."""
        texts = [changed(text(i // 8), i) if i < size // 2 else text(i) for i in range(size)]
        is_trained = rng.random(size) < 0.2
        known = NearCopies([texts[i] for i in np.flatnonzero(is_trained)])
        return cls(np.flatnonzero(~is_trained), np.array(known.among(texts)))


def false_certificates(
    pool: Pool, runs: int, rng: np.random.Generator, *, leaves_out: bool
) -> float:
    """Return the share of draws that certify; `leaves_out` the near-copies, as the trainer does."""
    population = pool.rest[~pool.is_copy[pool.rest]] if leaves_out else pool.rest
    risk = np.where(pool.is_copy, 0.0, _ERROR)
    false = 0
    for _ in range(runs):
        # Out of fold, near-copies help as well: the predictions hide the error.
        plan = plan_certification(
            rng.random(TUNE),
            rng.random(TUNE) >= _PREDICTED,
            rng.random(TUNE),
            alpha=0.1,
            delta=DELTA,
            labels=LABELS,
        )
        if plan is None:
            continue
        scores = plan.region + (1 - plan.region) * rng.random(LABELS)
        drawn = rng.choice(population, LABELS, replace=False)
        false += passes_start(plan, scores, rng.random(LABELS) >= risk[drawn])
    return false / runs


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench science near-copies")
    parser.add_argument("--runs", type=int, default=1_000)
    runs = parser.parse_args(arguments).runs
    rng = np.random.default_rng(0)
    pool = Pool.make(3_200, rng)
    print(f"near-copies of training items in the rest: {pool.is_copy[pool.rest].mean():.1%}")
    for leaves_out, words in ((False, "drawn with the rest"), (True, "left out")):
        share = false_certificates(pool, runs, rng, leaves_out=leaves_out)
        print(f"false certificates, near-copies {words}: {share:.1%}")
