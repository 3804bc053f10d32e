"""How often certificates are false where reviewers overlook a fifth of the wrong answers.

Each answer that contradicts the model gets a second opinion, and a third where the two differ.

    python -m bench science label-noise --runs 100000

Prints one row a number of accepted labels and of probes, known-wrong answers: false certificates
where the true error is just above the promise, uncorrected and corrected, and corrected
certificates where the model is far better than the promise. Promise 99 % at 95 % confidence.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.promise.binomial import error_p_value
from services.trainer.promise.label_noise import level_of_test

BoolArray = NDArray[np.bool_]

ALPHA, DELTA, MISS_RATE = 0.01, 0.05, 0.2
FALSE, GOOD = 0.0101, (0.001, 0.003)


@dataclass(frozen=True)
class Tests:
    """Whether each run certified, without and with the correction; arrays of shape (runs,)."""

    uncorrected: BoolArray
    corrected: BoolArray


def simulate(
    error: float, accepted: int, probes: int, runs: int, rng: np.random.Generator
) -> Tests:
    """Certify `runs` times at one threshold, with reviewers who miss a share of the errors."""
    # A reviewer who notices an error is overruled where the second and the third one miss it.
    passes = MISS_RATE + (1 - MISS_RATE) * MISS_RATE**2
    shown = rng.binomial(accepted, error * (1 - passes), runs)
    missed = rng.binomial(probes, MISS_RATE, runs)
    levels = [level_of_test(ALPHA, misses, probes, DELTA) for misses in range(probes + 1)]
    alphas = np.array([level.alpha for level in levels])[missed]
    # Where all probes were missed the corrected promise is 0, and nothing is certified.
    p_values = error_p_value(shown, accepted, np.maximum(alphas, 1e-12))
    return Tests(
        uncorrected=error_p_value(shown, accepted, ALPHA) <= DELTA,
        corrected=p_values <= levels[0].delta,
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the table; `arguments` None means those of the command line."""
    parser = argparse.ArgumentParser(description="certificates from labels with misses")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--labels", type=int, nargs="+", default=[1_000, 3_000, 10_000])
    parser.add_argument("--probes", type=int, nargs="+", default=[20, 30, 100, 300, 1_000])
    asked = parser.parse_args(arguments)
    rng = np.random.default_rng(asked.seed)
    print(f"{'':14}   false certificates   certified at an error of")
    print("accepted  probes  uncorr.  corrected " + "".join(f"{e:9.1%}" for e in GOOD))
    for labels in asked.labels:
        for probes in asked.probes:
            false = simulate(FALSE, labels, probes, asked.runs, rng)
            good = [simulate(e, labels, probes, asked.runs, rng).corrected.mean() for e in GOOD]
            print(
                f"{labels:8,} {probes:7,} {false.uncorrected.mean():8.1%}"
                f" {false.corrected.mean():10.1%} " + "".join(f"{share:9.1%}" for share in good),
                flush=True,
            )


if __name__ == "__main__":
    main()
