"""Trust in a reviewer: accuracy on gold as a Beta posterior, and what follows from it (pure).

`accuracy_of` turns a `Score` on gold into a distribution; `gold_rate` says how often to test the
reviewer, and `judge` whether to pause the reviewer, with the figures behind it.
"""

from dataclasses import dataclass

from scipy import special

from services.review_queue.quality.gold.messages import Evidence

LOWEST_GOLD_RATE = 0.01
PAUSE_CERTAINTY = 0.95


@dataclass(frozen=True)
class Score:
    """Answers to tasks whose label was known before, and how many of them were right."""

    answered: int = 0
    right: int = 0


@dataclass(frozen=True)
class Accuracy:
    """A reviewer's accuracy as it is believed to be: Beta(`right`, `wrong`)."""

    right: float
    wrong: float

    @property
    def mean(self) -> float:
        """Expected accuracy, in (0, 1)."""
        return self.right / (self.right + self.wrong)

    @property
    def deviation(self) -> float:
        """Standard deviation: how little is known, at most 0.5."""
        total = self.right + self.wrong
        return float((self.mean * (1 - self.mean) / (total + 1)) ** 0.5)

    def below(self, accuracy: float) -> float:
        """Return the probability that the accuracy is below `accuracy`, which is in [0, 1]."""
        return float(special.betainc(self.right, self.wrong, accuracy))

    def interval(self) -> tuple[float, float]:
        """Return the 95 % credible interval with equal tails.

        Examples
        --------
        >>> [round(end, 3) for end in accuracy_of(Score(20, 18)).interval()]
        [0.73, 0.973]
        """
        low, high = special.betaincinv(self.right, self.wrong, [0.025, 0.975])
        return float(low), float(high)


# A reviewer without answers is expected to be right on four of five, and a few answers change that.
PRIOR = Accuracy(4.0, 1.0)


def accuracy_of(score: Score) -> Accuracy:
    """Return the posterior of a reviewer's accuracy: Beta-binomial, from `PRIOR`."""
    return Accuracy(PRIOR.right + score.right, PRIOR.wrong + score.answered - score.right)


def gold_rate(score: Score, highest: float) -> float:
    """Return the share of a reviewer's tasks that should be gold.

    It falls from `highest` for a reviewer without answers towards `LOWEST_GOLD_RATE`, in proportion
    to the standard deviation of the accuracy, and rises with it.

    Parameters
    ----------
    score
    highest : in [0, 1], the project's `gold_rate`; the rate where it is below the lowest
    """
    floor = min(LOWEST_GOLD_RATE, highest)
    known = min(1.0, accuracy_of(score).deviation / PRIOR.deviation)
    return floor + (highest - floor) * known


def judge(score: Score, least_accuracy: float) -> Evidence | None:
    """Return why a reviewer must be paused; None if the accuracy is not credibly too low.

    The rule is asked after each answer, so bad luck may pause a reviewer just above
    `least_accuracy` more often than in 1 - `PAUSE_CERTAINTY` of cases.

    Parameters
    ----------
    score
    least_accuracy : in (0, 1), the accuracy that the project asks of a reviewer
    """
    accuracy = accuracy_of(score)
    below = accuracy.below(least_accuracy)
    if below <= PAUSE_CERTAINTY:
        return None
    low, high = accuracy.interval()
    return Evidence(
        least_accuracy=least_accuracy,
        certainty=PAUSE_CERTAINTY,
        probability_below=below,
        accuracy=accuracy.mean,
        low=low,
        high=high,
        answered=score.answered,
        right=score.right,
    )
