"""Trust in a reviewer: accuracy as a Beta posterior, and what follows from it (pure).

All that is known of a reviewer's accuracy is a `Record`. `accuracy_of` turns it into a
distribution; `gold_rate` says how often to test the reviewer, `onboarding_left` how many tests come
before real work, and `judge` whether to pause the reviewer, with the figures behind it.
"""

from dataclasses import dataclass

from scipy import special

# A reviewer of whom nothing is known is right on about four of five, and one answer moves that
# little. One prior for the diagonal of a reviewer's confusion matrix and for the accuracy.
PRIOR_RIGHT = 4.0
PRIOR_WRONG = 1.0
# Thirty tasks that others answered too tell as much as twenty with a known label: the label they
# are held against is partly the reviewer's own doing.
ENOUGH_GOLD = 20
ENOUGH_SHARED = 30

LOWEST_GOLD_RATE = 0.01
ONBOARDING_TASKS = 10
PAUSE_CERTAINTY = 0.95


@dataclass(frozen=True)
class Score:
    """Answers that can be held against a label, and how many were right.

    Raises
    ------
    ValueError
        More right than answered, or a negative count.
    """

    answered: int = 0
    right: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.right <= self.answered:
            raise ValueError("right must lie in 0..answered")


@dataclass(frozen=True)
class Record:
    """What a reviewer's accuracy can be told from.

    Attributes
    ----------
    gold : answers to tasks whose label was known before
    shared : answers to tasks that others answered too, held against the task's outcome
    """

    gold: Score = Score()
    shared: Score = Score()

    @property
    def suffices(self) -> bool:
        """Whether enough is known to weigh the votes, instead of counting each as one."""
        return self.gold.answered >= ENOUGH_GOLD or self.shared.answered >= ENOUGH_SHARED


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

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the credible interval with equal tails; `level` in (0, 1).

        Examples
        --------
        >>> [round(end, 3) for end in accuracy_of(Record(gold=Score(20, 18))).interval()]
        [0.73, 0.973]
        """
        if not 0 < level < 1:
            raise ValueError("level must lie in (0, 1)")
        tail = (1 - level) / 2
        low = special.betaincinv(self.right, self.wrong, tail)
        high = special.betaincinv(self.right, self.wrong, 1 - tail)
        return float(low), float(high)


PRIOR = Accuracy(PRIOR_RIGHT, PRIOR_WRONG)


def accuracy_of(record: Record, prior: Accuracy = PRIOR) -> Accuracy:
    """Return the posterior of a reviewer's accuracy: Beta-binomial, shared answers at 2/3."""
    weight = ENOUGH_GOLD / ENOUGH_SHARED
    gold, shared = record.gold, record.shared
    return Accuracy(
        prior.right + gold.right + weight * shared.right,
        prior.wrong + (gold.answered - gold.right) + weight * (shared.answered - shared.right),
    )


def gold_rate(record: Record, highest: float = 0.05, lowest: float = LOWEST_GOLD_RATE) -> float:
    """Return the share of a reviewer's tasks that should be gold.

    It falls from `highest`, when nothing is known of the reviewer, towards `lowest`, in proportion
    to the standard deviation of the accuracy, and rises with it.

    Parameters
    ----------
    record
    highest : in [0, 1], the project's `gold_rate`
    lowest : in [0, 1]; where `highest` is lower, that is the rate
    """
    floor = min(lowest, highest)
    known = min(1.0, accuracy_of(record).deviation / PRIOR.deviation)
    return floor + (highest - floor) * known


def onboarding_left(answered: int, tasks: int = ONBOARDING_TASKS) -> int:
    """Return how many more gold tasks a reviewer answers before real work.

    `answered` counts all gold answers ever given, also those that no longer tell the accuracy.
    """
    return max(0, tasks - answered)


@dataclass(frozen=True)
class Judgement:
    """Whether a reviewer must be paused, and the plain figures that say why.

    Attributes
    ----------
    pause : bool
    least_accuracy, certainty : the rule, "pause when P(accuracy < least) > certainty"
    probability_below : P(accuracy < least_accuracy)
    accuracy, low, high : mean and 95 % credible interval of the accuracy
    record : what was counted
    """

    pause: bool
    least_accuracy: float
    certainty: float
    probability_below: float
    accuracy: float
    low: float
    high: float
    record: Record


def judge(record: Record, least_accuracy: float, certainty: float = PAUSE_CERTAINTY) -> Judgement:
    """Judge whether a reviewer's accuracy is credibly too low.

    Parameters
    ----------
    record
    least_accuracy : in (0, 1), the accuracy that the project asks of a reviewer
    certainty : in (0, 1)
        The rule is asked after each answer, so a reviewer just above `least_accuracy` may be
        paused by bad luck more often than 1 - `certainty`; the evidence is there to be read.

    Raises
    ------
    ValueError
        A parameter out of range.
    """
    if not (0 < least_accuracy < 1 and 0 < certainty < 1):
        raise ValueError("least_accuracy and certainty must lie in (0, 1)")
    accuracy = accuracy_of(record)
    below = accuracy.below(least_accuracy)
    low, high = accuracy.interval()
    return Judgement(
        pause=below > certainty,
        least_accuracy=least_accuracy,
        certainty=certainty,
        probability_below=below,
        accuracy=accuracy.mean,
        low=low,
        high=high,
        record=record,
    )
