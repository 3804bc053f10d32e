"""Answers that reviewers took back or changed: when they are named for it (pure).

A slip of the finger is taken back now and then. To take back many answers, and to give another
label, is how a reviewer would make outcomes fit the model's predictions.
"""

from collections.abc import Sequence
from datetime import timedelta

from services.review_queue.quality.reviewers.messages import ChangedAnswers

WITHIN = timedelta(days=30)
_MANY = 5
_LARGE_SHARE = 0.02


def warnings_of(changes: ChangedAnswers) -> Sequence[str]:
    """Return what the operator is to know: one sentence, or nothing.

    Five answers or more, if they are evidence that was changed, or one in fifty of all answers.
    Taking back is named too where the label stayed the same: the reply told something.
    """
    many = max(_MANY, _LARGE_SHARE * changes.answers)
    if changes.evidence < _MANY and changes.taken_back < many:
        return []
    words = (
        f"Took back {changes.taken_back} and changed {changes.changed} of {changes.answers}"
        f" answers of the last {WITHIN.days} days, {changes.to_model} of them to what the model"
        f" had said. {changes.evidence} were evidence: a changed answer certifies nothing."
        " Ask why, or pause the reviewer."
    )
    return [words]
