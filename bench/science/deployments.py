"""How often whole deployments break the promise: many versions, stock texts, unknown classes.

    python -m bench science deployments --runs 1000

Three tables. Versions: false certificates of any of 20 versions of a project within one period
where nothing keeps a promise of 90 %, with one delta for the period and with one for each version,
and with predictions that tell so and predictions that hide it. Stock texts: 30 % of the traffic is
copies of 20 texts as good as the rest; promise 95 %, items drawn by occurrence and by content.
Unknown classes: answers given until audits raise the alarm; promise 90 %, audit rate 5 %.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.science.audits import alarm_times
from services.trainer.promise.binomial import error_p_value
from services.trainer.promise.certify import CertificationResult, certify, eligible
from services.trainer.promise.planning import CertificationPlan, plan_certification

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Risk = Callable[[FloatArray], FloatArray]

DELTA = 0.05
TUNE, UNLABELLED, LABELS = 1_000, 1_000, 500


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
            )
            if plan is None:
                continue
            tests += 1
            drawn = rng.random(LABELS) * (1 - plan.region)
            if passes_start(plan, 1 - drawn, rng.random(LABELS) >= flat(drawn)):
                first[run] = version
                break
    return first


def passes_start(plan: CertificationPlan, scores: FloatArray, right: BoolArray) -> bool:
    """Whether `certify` would certify anything, without its advice about further labels."""
    accepted = eligible(scores, plan.thresholds[plan.start])
    p_value = error_p_value((accepted & ~right).sum(), accepted.sum(), plan.alpha)
    return bool(p_value <= plan.delta_attempt)


@dataclass(frozen=True)
class StockTraffic:
    """Traffic of which a share is copies of a few texts; each text is always right or always wrong.

    Rank u is uniform for texts as for the rest, and both err alike on average.
    """

    stock: FloatArray
    stock_wrong: BoolArray
    share: float

    @classmethod
    def draw(cls, texts: int, share: float, rng: np.random.Generator) -> "StockTraffic":
        """Draw the texts of one deployment."""
        u = rng.random(texts)
        return cls(u, rng.random(texts) < cls.risk(u), share)

    @staticmethod
    def risk(u: FloatArray) -> FloatArray:
        """Error by rank: the surest 67 % err on 5 %."""
        return 0.5 * u**2.58

    def sample(
        self, n: int, rng: np.random.Generator, *, share: float, within: float = 1.0
    ) -> tuple[FloatArray, BoolArray]:
        """Ranks of n items among the surest `within`, and whether each is right.

        `share` of all items are copies: that of the traffic for a draw of occurrences.
        """
        kept = np.flatnonzero(self.stock <= within)
        of_stock = share * len(kept) / len(self.stock)
        is_copy = rng.random(n) < of_stock / (of_stock + (1 - share) * within)
        u = rng.random(n) * within
        right = rng.random(n) >= self.risk(u)
        if len(kept):
            text = kept[rng.integers(len(kept), size=n)]
            u = np.where(is_copy, self.stock[text], u)
            right = np.where(is_copy, ~self.stock_wrong[text], right)
        return u, right

    def error(self, within: float) -> float:
        """Share of wrong answers if the surest `within` are answered."""
        rest = (1 - self.share) * within
        rest_wrong = (1 - self.share) * 0.5 * within**3.58 / 3.58
        answered = self.stock <= within
        copies = self.share * float(answered.mean())
        copies_wrong = self.share * float((answered & self.stock_wrong).mean())
        return float((rest_wrong + copies_wrong) / (rest + copies))


def rank_at(threshold: float) -> float:
    """Rank of the last item that a threshold accepts: a text at the edge is accepted (float32)."""
    return 1 - float(np.nextafter(np.float32(threshold), np.float32(0)))


def certify_traffic(
    traffic: StockTraffic, share: float, rng: np.random.Generator
) -> CertificationResult | None:
    """Certify a promise of 95 % with items of which `share` are copies."""
    tune_u, tune_right = traffic.sample(TUNE, rng, share=share)
    unlabelled = traffic.sample(UNLABELLED, rng, share=share)[0]
    plan = plan_certification(
        1 - tune_u, tune_right, 1 - unlabelled, alpha=0.05, delta=DELTA, labels=LABELS
    )
    if plan is None:
        return None
    drawn, right = traffic.sample(LABELS, rng, share=share, within=rank_at(plan.region))
    return certify(plan, 1 - drawn, right)


def stock_text_violations(
    runs: int, rng: np.random.Generator, *, by_content: bool
) -> tuple[BoolArray, FloatArray]:
    """Return which runs broke the promise, and the share of traffic each answers; shape (runs,)."""
    broken, coverage = np.zeros(runs, dtype=np.bool_), np.zeros(runs)
    for run in range(runs):
        traffic = StockTraffic.draw(20, 0.3, rng)
        # Of 2,000 occurrences 1,400 are distinct texts; 20 more stand for the other 600.
        result = certify_traffic(traffic, 20 / 1_420 if by_content else traffic.share, rng)
        if result is None or result.threshold is None:
            continue
        within = rank_at(result.threshold)
        broken[run] = traffic.error(within) > 0.05
        coverage[run] = (1 - traffic.share) * within + traffic.share * float(
            (traffic.stock <= within).mean()
        )
    return broken, coverage


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


def print_stock_texts(runs: int, seed: int) -> None:
    """Print the table of stock texts."""
    rng = np.random.default_rng(seed)
    print("30 % stock texts      broken  certified  coverage")
    for name, by_content in (("by occurrence", False), ("by content", True)):
        broken, coverage = stock_text_violations(runs, rng, by_content=by_content)
        print(
            f"{name:20} {broken.mean():7.1%} {(coverage > 0).mean():10.1%} {coverage.mean():9.1%}",
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
    for part in (print_versions, print_stock_texts, print_unknown_classes):
        part(asked.runs, asked.seed)
        print(flush=True)


if __name__ == "__main__":
    main()
