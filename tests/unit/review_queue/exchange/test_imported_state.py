from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.review_queue.exchange.imported_state import ImportedState, imported_state
from services.review_queue.exchange.records import TaskRecord
from shared.contracts.review_settings import ReviewSettings
from tests.unit.review_queue.exchange.projects import MOMENT

LATER = MOMENT + timedelta(hours=1)


def standing(
    *labels: str | None, overlap: int = 1, exhausted: bool = False, **said: Any
) -> ImportedState:
    """How a task stands after answers of r0, r1, …; None is a skip."""
    verdicts = [
        {"reviewer": f"r{i}", "label": label, "skipped": label is None, "given_at": MOMENT}
        for i, label in enumerate(labels)
    ]
    record = TaskRecord.model_validate({"item_id": "a", "data": {}, "verdicts": verdicts, **said})
    review = ReviewSettings(overlap=overlap, max_overlap=3)
    return imported_state(record, record.verdicts, review=review, exhausted=exhausted, now=LATER)


OPEN = ImportedState(resolved=False)


@pytest.mark.parametrize("state", ["open", "leased"])
def test_what_the_record_says_counts(state: str) -> None:
    assert standing("x", state=state) == OPEN
    assert standing("x", label="y", source="adjudicator", resolved_at=LATER) == ImportedState(
        resolved=True, label="y", source="adjudicator", resolved_at=LATER
    )
    assert standing(state="resolved") == ImportedState(True, None, "human", LATER)


def test_one_answer_is_the_label_and_several_are_a_consensus() -> None:
    assert standing("x") == ImportedState(True, "x", "human", MOMENT)
    assert standing("x", None, "y", "y") == ImportedState(True, "y", "consensus", MOMENT)


def test_a_tie_waits_for_one_more_and_at_last_for_an_adjudicator() -> None:
    assert standing("x", "y") == OPEN
    assert standing("x", "y", "z") == ImportedState(resolved=False, disputed=True)


def test_a_dispute_is_one_where_the_record_says_so_and_no_other() -> None:
    disputed = ImportedState(resolved=False, disputed=True)
    assert standing(None, state="open", adjudication=True) == disputed
    assert standing("x", adjudication=True) == disputed
    assert standing("x", "y", "z", state="open") == disputed
    assert standing("x", "y", "z", state="open", adjudication=False) == OPEN
    assert standing("x", adjudication=False).label == "x"


@pytest.mark.parametrize("said", [{"state": "resolved"}, {"state": "leased"}, {"label": "x"}])
def test_only_an_open_task_waits_for_an_adjudicator(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        standing("x", adjudication=True, **said)


def test_one_answer_of_two_is_not_enough() -> None:
    assert standing("x", overlap=2) == OPEN
    assert standing("x", "x", overlap=2) == ImportedState(True, "x", "consensus", MOMENT)


def test_each_reviewer_counts_once_by_his_last_answer() -> None:
    verdicts = [
        {"reviewer": reviewer, "label": label}
        for reviewer, label in [("r1", "x"), ("r1", "x"), ("r2", "y"), ("r1", "y")]
    ]
    assert standing(verdicts=verdicts).label == "y"


def test_nobody_can_answer_what_was_skipped_too_often() -> None:
    assert standing(None) == OPEN
    assert standing(None, exhausted=True) == ImportedState(True, None, "human", MOMENT)
    assert standing(None, "x", exhausted=True).label == "x"
    assert standing("x", overlap=2, exhausted=True).disputed
    assert standing("x", "y", "x", overlap=2, exhausted=True).label == "x"
    assert standing() == OPEN
