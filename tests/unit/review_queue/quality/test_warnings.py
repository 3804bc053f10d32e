"""When a reviewer is named for answers that he changed after the outcome was shown."""

import pytest

from services.review_queue.quality.reviewers.messages import ChangedAnswers
from services.review_queue.quality.reviewers.warnings import warnings_of


@pytest.mark.parametrize(
    ("answers", "changed", "evidence", "named"),
    [
        (40, 4, 4, False),
        (250, 5, 0, True),
        (251, 5, 0, False),
        (10_000, 5, 5, True),
        (10_000, 100, 0, False),
        (10_000, 200, 0, True),
    ],
)
def test_many_changes_are_named_and_slips_are_not(
    answers: int, changed: int, evidence: int, *, named: bool
) -> None:
    changes = ChangedAnswers(
        answers=answers, taken_back=changed, changed=changed, to_model=2, evidence=evidence
    )
    assert bool(warnings_of(changes)) is named


def test_many_undos_are_named_though_the_label_stayed_the_same() -> None:
    changes = ChangedAnswers(answers=80, taken_back=40, changed=0, to_model=0, evidence=0)
    (warning,) = warnings_of(changes)
    assert warning.startswith("Took back 40 and changed 0 of 80 answers")
