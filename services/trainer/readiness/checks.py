"""What a project's first labels still lack before a model is worth training (pure)."""

from collections.abc import Mapping, Sequence
from typing import Literal

from scipy.special import betaincinv

from shared.contracts.base import Message
from shared.contracts.human_error import HumanError

OF_REVIEWERS = frozenset({"agreement", "gold"})
"""Checks of how well people label: more labels alone do not settle them."""
_EACH_LABEL = 2
# A label that is this rare will not come by waiting: the model is trained without it.
_WAITED_FOR = 5
_LEAST_COMPARED = 20
_MOST_DISAGREED = 1 / 3
_LEAST_PROBES = 10
_MOST_MISSED = 0.3


class Missing(Message):
    """What the first labels lack before training, in words; a refused run says it too."""

    check: Literal["labels", "each_label", "agreement", "gold"]
    words: str


def missing_of(
    counts: Mapping[str, int], labels: Sequence[str], wanted: int, errors: HumanError
) -> list[Missing]:
    """Return what is missing, the quickest remedy first; nothing if training may begin.

    Parameters
    ----------
    counts : how many items have each label
    labels : the project's
    wanted : labels that start a run (`min_new_labels`)
    errors : how often reviewers disagreed, and missed known-wrong answers

    Examples
    --------
    >>> [one.check for one in missing_of({"a": 40}, ["a", "b"], 60, HumanError())]
    ['labels', 'each_label']
    >>> missing_of({"a": 40, "b": 20}, ["a", "b"], 60, HumanError())
    []
    """
    total = sum(counts.get(label, 0) for label in labels)
    found = []
    if total < wanted:
        words = f"{wanted - total} more labels: there are {total} of {wanted}"
        found.append(Missing(check="labels", words=words))
    rare = [label for label in labels if counts.get(label, 0) < _EACH_LABEL]
    if rare and total < _WAITED_FOR * wanted:
        words = f"{_EACH_LABEL} items of each label: too few have {_listed(rare)}"
        found.append(Missing(check="each_label", words=words))
    return found + _of_reviewers(errors)


def _of_reviewers(errors: HumanError) -> list[Missing]:
    """Say where reviewers disagree or err too often, by the lower end of a 95 % interval."""
    found = []
    if errors.compared >= _LEAST_COMPARED:
        least = _lower_end(errors.disagreed, errors.compared)
        if least > _MOST_DISAGREED:
            words = (
                f"agreement: reviewers gave different labels to {errors.disagreed} of "
                f"{errors.compared} items; make the instructions clearer, and ask again about "
                "the items that they disagree on"
            )
            found.append(Missing(check="agreement", words=words))
    if errors.probes >= _LEAST_PROBES:
        least = _lower_end(errors.misses, errors.probes)
        if least > _MOST_MISSED:
            words = (
                f"gold: reviewers gave a wrong answer to {errors.misses} of {errors.probes} items "
                "with a known label; look at them on the page People"
            )
            found.append(Missing(check="gold", words=words))
    return found


def _lower_end(errors: int, of: int) -> float:
    """Lower end of the two-sided 95 % Clopper-Pearson interval of a rate."""
    return float(betaincinv(errors, of - errors + 1, 0.025)) if errors else 0.0


def _listed(labels: Sequence[str], shown: int = 5) -> str:
    named = ", ".join(labels[:shown])
    return named if len(labels) <= shown else f"{named} and {len(labels) - shown} others"
