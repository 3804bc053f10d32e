"""How often whole deployments break the promise: versions, copies, no pool, unknown classes.

    python -m bench science deployments --runs 1000

Five tables. Versions: false certificates of any of 20 versions of a project within one period
where nothing keeps a promise of 90 %, each tested by up to three draws of 500 labels, with one
delta for the period and with one for each version, and with predictions that tell so and
predictions that hide it. Stock texts: 30 % of the traffic is copies of 20 texts as good as the
rest; promise 95 %, items drawn by occurrence and by content. Misread item: half of the traffic is
copies of one item that the model misreads. No pool: items that reviewers have answered until the
first version is certified, at default settings, for populations of which an oracle answers 60 to
90 %.
Unknown classes: answers given until audits raise the alarm; promise 90 %, audit rate 5 %.
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.science.audits import alarm_times
from bench.science.copies import print_misread_item, print_stock_texts
from services.trainer.promise.binomial import error_p_value
from services.trainer.promise.certify import eligible
from services.trainer.promise.planning import CertificationPlan, next_draw, plan_certification

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Risk = Callable[[FloatArray], FloatArray]

DELTA = 0.05
TUNE, UNLABELLED, LABELS, DRAWS = 1_000, 1_000, 500, 3


def flat(u: FloatArray) -> FloatArray:
    """Error of 10.1 % at every rank u, where 10 % is promised."""
    return np.full(u.shape, 0.101)


def hopeful(u: FloatArray) -> FloatArray:
    """Predicted error of 6 % at every rank, where 10.1 % are wrong."""
    return np.full(u.shape, 0.06)


def first_false_certificates(
    runs: int, versions: int, predicted: Risk, rng: np.random.Generator, *, shares_delta: bool
) -> FloatArray:
    """Number of the version that is falsely certified first, infinite if none is, shape (runs,).

    `shares_delta`: the k-th test of the period spends `attempt_delta(delta, k)`; without it each
    version is tested as if it were the first.
    """
    first = np.full(runs, np.inf)
    for run in range(runs):
        tests = 0
        for version in range(1, versions + 1):
            u = rng.random(TUNE)
            plan = plan_certification(
                1 - u,
                rng.random(TUNE) >= predicted(u),
                1 - rng.random(UNLABELLED),
                alpha=0.1,
                delta=DELTA,
                labels=LABELS,
                attempt=tests + 1 if shares_delta else 1,
                draws=DRAWS,
            )
            if plan is None:
                continue
            tests += 1
            if passes_some_draw(plan, flat, rng):
                first[run] = version
                break
    return first


def passes_some_draw(plan: CertificationPlan, risk: Risk, rng: np.random.Generator) -> bool:
    """Whether any of a test's draws would certify anything.

    A test that the trainer ends early, since not even successes alone could certify, fails here at
    its last draw.
    """
    u = rng.random(plan.labels_of_draw * plan.draws) * (1 - plan.region)
    wrong = rng.random(len(u)) < risk(u)
    following: CertificationPlan | None = plan
    while following is not None:
        labels = following.labels
        if passes_start(following, 1 - u[:labels], ~wrong[:labels]):
            return True
        following = next_draw(following)
    return False


def passes_start(plan: CertificationPlan, scores: FloatArray, right: BoolArray) -> bool:
    """Whether `certify` would certify anything, without its advice about further labels."""
    accepted = eligible(scores, plan.thresholds[plan.start])
    p_value = error_p_value((accepted & ~right).sum(), accepted.sum(), plan.alpha)
    return bool(p_value <= plan.delta_attempt)


def items_until_certified(
    oracle: float, holdout_rate: float, runs: int, rng: np.random.Generator
) -> FloatArray:
    """Items that reviewers answered until the first version was certified, shape (runs,).

    Default settings, no pool: the version's labels are frozen at 200 items, less the hold-out, and
    each draw takes the first 500 items of its region, held out or from after the freeze. Infinite
    if no draw of the test certifies.

    Parameters
    ----------
    oracle : in (0, 1), share of the items that may be answered at an error of 5 %
    """
    exponents = np.arange(0.01, 40, 0.01)
    steepness = float(exponents[(0.5 * oracle**exponents / (exponents + 1) <= 0.05).argmax()])
    found = np.full(runs, np.inf)
    for run in range(runs):
        tune = rng.random(rng.binomial(200, 1 - holdout_rate))
        before = 200 - len(tune)
        traffic = rng.random(before + 20_000)
        right = rng.random(len(traffic)) >= 0.5 * traffic**steepness
        plan = plan_certification(
            1 - tune,
            rng.random(len(tune)) >= 0.5 * tune**steepness,
            1 - traffic[:1_000],
            alpha=0.05,
            delta=DELTA,
            labels=LABELS,
            draws=DRAWS,
        )
        while plan is not None:
            drawn = np.flatnonzero(eligible(1 - traffic, plan.region))[: plan.labels]
            if passes_start(plan, 1 - traffic[drawn], right[drawn]):
                found[run] = 200 + max(0, drawn[-1] + 1 - before)
                break
            plan = next_draw(plan)
    return found


def wrong_answers_until_alarm(
    good_audits: int, wrong_share: float, runs: int, rng: np.random.Generator
) -> FloatArray:
    """Wrong answers given until the alarm, after audits that were good; shape (runs,).

    Promise 90 %, audit rate 5 %, verdicts at once. `good_audits` err on 5 %; from then on
    `wrong_share` of the answers are wrong. Runs with an alarm before that are left out.
    """
    error = np.repeat([0.05, wrong_share], [good_audits, 300])
    wrong = rng.random((len(error), runs)) < error[:, None]
    alarms = np.minimum(*alarm_times(wrong, 0.1, DELTA))
    kept = np.flatnonzero(alarms > good_audits)
    last = alarms[kept].astype(np.int64)
    audits = last - good_audits
    taken = np.cumsum(wrong, axis=0)
    before = taken[good_audits - 1, kept] if good_audits else 0
    seen_wrong = taken[last - 1, kept] - before
    unaudited = rng.negative_binomial(audits, 0.05)
    return np.asarray(seen_wrong + rng.binomial(unaudited, wrong_share), dtype=np.float64)


def print_versions(runs: int, seed: int) -> None:
    """Print the table of versions."""
    print("false certificate by version            1       3      10      20")
    for name, predicted in (("told", flat), ("hidden", hopeful)):
        for rule, shares_delta in (("one delta a period", True), ("one a version", False)):
            rng = np.random.default_rng(seed)
            first = first_false_certificates(runs, 20, predicted, rng, shares_delta=shares_delta)
            shares = "".join(f"{(first <= version).mean():8.1%}" for version in (1, 3, 10, 20))
            print(f"{rule:20} {name:10} {shares}", flush=True)


def print_no_pool(runs: int, seed: int) -> None:
    """Print the table of projects without a pool."""
    rng = np.random.default_rng(seed)
    print("oracle  held out  items until certified: median / 90 %   within 1,800  ever")
    for oracle in (0.6, 0.7, 0.8, 0.9):
        for rate in (0.0, 0.1, 0.2):
            items = items_until_certified(oracle, rate, runs, rng)
            median, most = np.quantile(items, [0.5, 0.9], method="lower")
            print(
                f"{oracle:6.0%} {rate:9.0%} {median:25,.0f} / {most:6,.0f} "
                f"{(items <= 1_800).mean():13.1%} {np.isfinite(items).mean():6.1%}",
                flush=True,
            )


def print_unknown_classes(runs: int, seed: int) -> None:
    """Print the table of unknown classes."""
    rng = np.random.default_rng(seed)
    print("good audits  wrong after  wrong answers until the alarm: median / p95")
    for good_audits in (0, 30, 300, 3_000):
        for wrong_share in (1.0, 0.5):
            counts = wrong_answers_until_alarm(good_audits, wrong_share, runs, rng)
            median, most = np.quantile(counts, [0.5, 0.95])
            print(f"{good_audits:11,} {wrong_share:12.0%} {median:8.0f} / {most:4.0f}", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Print the tables; `arguments` None means those of the command line."""
    parser = argparse.ArgumentParser(description="simulated deployments")
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    parts = (
        print_versions,
        print_stock_texts,
        print_misread_item,
        print_no_pool,
        print_unknown_classes,
    )
    for part in parts:
        part(asked.runs, asked.seed)
        print(flush=True)


if __name__ == "__main__":
    main()
