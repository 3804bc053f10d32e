"""Correct a test for reviewers who overlook wrong answers, and name what they can agree on (pure).

Known-wrong answers are mixed in as probes. If reviewers let a share eta of wrong answers pass, an
error of alpha shows as alpha (1 - eta) or more among the labels. So a fifth of a test's delta
bounds eta by the probes, and the test asks with the other four fifths whether the error that shows
is below alpha (1 - bound), where the bound is raised for the errors that second opinions hide
(`let_through`). The certificate is false only if the bound is (delta / 5) or if the test is
(0.8 delta). Slips the other way, right answers called wrong, cost power and never validity.
"""

import math
from dataclasses import dataclass

from services.trainer.promise.binomial import interval, upper_bound
from shared.contracts.human_error import HumanError, LabelCeiling

LEAST_PROBES = 30
"""With fewer probes the bound would be too wide to certify anything: the test is uncorrected."""

BOUND_SHARE = 0.2
TEST_SHARE = 0.8


@dataclass(frozen=True)
class Level:
    """What labels are tested for: an error of at most `alpha`, wrongly with a chance of `delta`."""

    alpha: float
    delta: float


def miss_rate_bound(misses: int, probes: int, delta: float) -> float | None:
    """Upper bound of the share of wrong answers that reviewers let pass, at a fifth of delta.

    Parameters
    ----------
    misses : in 0..probes
    probes : at least 0, answered known-wrong answers
    delta : in (0, 1), of the bound and the test together

    Returns
    -------
    None with fewer than 30 probes: the certificate is uncorrected.
    """
    if probes < LEAST_PROBES:
        return None
    return upper_bound(misses, probes, BOUND_SHARE * delta)


def let_through(miss_rate: float) -> float:
    """Share of wrong answers that labels show as right at most, second opinions included.

    A reviewer who notices a wrong answer may be overruled by two others who both miss it. If
    reviewers miss the error of an item with probability h, independently of one another, it passes
    with probability g(h) = h + (1 - h) h^2. Over items with a mean of `miss_rate`, the mean of g is
    at most its concave envelope: 5/4 h up to 1/2, and g from there on.

    Examples
    --------
    >>> let_through(0.2), let_through(1.0)
    (0.25, 1.0)
    """
    if miss_rate <= 0.5:
        return 1.25 * miss_rate
    return miss_rate + (1 - miss_rate) * miss_rate**2


def level_of_test(alpha: float, misses: int, probes: int, delta: float) -> Level:
    """Return what to test, so that the true error is above alpha with a chance of at most delta.

    Parameters
    ----------
    alpha : in (0, 1), promised error
    misses, probes : as in `miss_rate_bound`
    delta : in (0, 1), all that the test may spend

    Returns
    -------
    alpha and delta themselves with fewer than 30 probes; an alpha of 0 if every probe was missed,
    when nothing can be certified.

    Examples
    --------
    >>> level = level_of_test(0.1, 6, 300, 0.05)
    >>> round(level.alpha, 4), round(level.delta, 4)
    (0.094, 0.04)
    >>> level_of_test(0.1, 0, 29, 0.05)
    Level(alpha=0.1, delta=0.05)
    """
    bound = miss_rate_bound(misses, probes, delta)
    if bound is None:
        return Level(alpha, delta)
    return Level(alpha * (1 - let_through(bound)), TEST_SHARE * delta)


def label_ceiling(counts: HumanError, overlap: int) -> LabelCeiling:
    """Bound the share of items on which any model can agree with a reviewer.

    If a reviewer drawn at random gives label k to an item with probability p_k, two agree on it
    with probability sum p_k^2, and a model agrees with one in at most max p_k <= sqrt(sum p_k^2).
    By Jensen the mean of that over items is at most the root of the share on which two agree.

    Parameters
    ----------
    counts
        `compared` items, on `disagreed` of which two reviewers differ.
    overlap
        The project's: with 1, no item has two reviewers.

    Examples
    --------
    >>> label_ceiling(HumanError(compared=200, disagreed=20), 2).note
    'two reviewers agree on 90.0 %, so a model can agree with a reviewer on at most 94.9 %'
    >>> label_ceiling(HumanError(), 1).note
    'the label ceiling is unknown: overlap is 1'
    """
    compared, disagreed = counts.compared, counts.disagreed
    if compared == 0:
        why = "overlap is 1" if overlap == 1 else "no item has two answers yet"
        note = f"the label ceiling is unknown: {why}"
        return LabelCeiling(compared=0, disagreed=0, ceiling=None, interval=None, note=note)
    ceiling = math.sqrt(1 - disagreed / compared)
    lower, upper = interval(disagreed, compared)
    return LabelCeiling(
        compared=compared,
        disagreed=disagreed,
        ceiling=ceiling,
        interval=[math.sqrt(1 - upper), math.sqrt(1 - lower)],
        note=(
            f"two reviewers agree on {100 * (1 - disagreed / compared):.1f} %, so a model can "
            f"agree with a reviewer on at most {100 * ceiling:.1f} %"
        ),
    )
