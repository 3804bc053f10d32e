"""Answers that reviewers changed once they had seen the outcome: when they are named for it (pure).

A slip of the finger is taken back now and then. To take back many answers, and to give another
label, is how a reviewer would make the outcomes fit what he has learned of the model.
"""

from collections.abc import Sequence
from datetime import timedelta

from services.review_queue.people.messages import ChangedAnswers

WITHIN = timedelta(days=30)
_MANY = 5
_LARGE_SHARE = 0.02


def warnings_of(changes: ChangedAnswers) -> Sequence[str]:
    """Return what the operator is to know: one sentence, or nothing.

    Five changes or more, if they are evidence or one in fifty of all answers.
    """
    many = changes.evidence >= _MANY
    large = changes.changed >= max(_MANY, _LARGE_SHARE * changes.answers)
    if not many and not large:
        return []
    words = (
        f"Changed {changes.changed} of {changes.answers} answers of the last {WITHIN.days} days"
        f" after the outcome was shown, {changes.to_model} of them to what the model had said."
        f" {changes.evidence} were evidence, which counts as it was first answered."
        " Ask why, or pause the reviewer."
    )
    return [words]
