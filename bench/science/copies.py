"""How often the promise is broken on traffic with copies.

Stock texts: 30 % of the traffic is copies of 20 texts as good as the rest; promise 95 %, items
drawn by occurrence and by content. Misread item: half of the traffic is copies of one item that the
model misreads. `python -m bench science deployments` prints the tables.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.promise.certify import CertificationResult, certify
from services.trainer.promise.planning import plan_certification

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

DELTA = 0.05
TUNE, UNLABELLED, LABELS = 1_000, 1_000, 500


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


def misread_item_violations(runs: int, rng: np.random.Generator) -> tuple[BoolArray, FloatArray]:
    """As `stock_text_violations`, where half of the traffic is copies of one misread item."""
    broken, coverage = np.zeros(runs, dtype=np.bool_), np.zeros(runs)
    for run in range(runs):
        traffic = StockTraffic(rng.random(1) * 0.3, np.ones(1, dtype=np.bool_), 0.5)
        result = certify_traffic(traffic, traffic.share, rng)
        if result is None or result.threshold is None:
            continue
        within = rank_at(result.threshold)
        broken[run] = traffic.error(within) > 0.05
        coverage[run] = within / 2
    return broken, coverage


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


def print_misread_item(runs: int, seed: int) -> None:
    """Print the table of the misread item."""
    broken, coverage = misread_item_violations(runs, np.random.default_rng(seed))
    print("half copies of one misread item    broken  certified  coverage")
    print(f"{'':32} {broken.mean():8.1%} {(coverage > 0).mean():10.1%} {coverage.mean():9.1%}")
