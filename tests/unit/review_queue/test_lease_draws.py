"""Which tasks show no suggestion, and what is shown of a prediction."""

import uuid

import pytest

from services.review_queue.lifecycle.draws import LeaseDraws, suggestion_of
from shared.contracts.review_settings import ReviewSettings

TASKS = [str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))) for number in range(5_000)]


REVIEW = ReviewSettings(blind=False)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 1.0])
def test_the_share_of_ordinary_tasks_without_a_suggestion_is_the_projects(rate: float) -> None:
    review = REVIEW.model_copy(update={"unsuggested_rate": rate})
    draws = LeaseDraws("secret")
    without = [task for task in TASKS if not draws.shows_suggestion(task, review)]
    assert abs(len(without) - rate * len(TASKS)) <= 150


def test_a_larger_share_contains_a_smaller_one() -> None:
    draws, larger = LeaseDraws("secret"), REVIEW.model_copy(update={"unsuggested_rate": 0.5})
    without = [task for task in TASKS if not draws.shows_suggestion(task, REVIEW)]
    assert without
    assert not any(draws.shows_suggestion(task, larger) for task in without)


def test_a_blind_project_shows_no_suggestion() -> None:
    draws = LeaseDraws("secret")
    assert not any(draws.shows_suggestion(task, ReviewSettings()) for task in TASKS)


def test_draw_is_the_same_at_each_lease_and_another_by_another_secret() -> None:
    def drawn(secret: str) -> list[bool]:
        draws = LeaseDraws(secret)
        return [draws.shows_suggestion(task, REVIEW) for task in TASKS]

    assert drawn("one") == drawn("one")
    assert drawn("one") != drawn("two")
    # Without a secret, nobody can work it out.
    assert drawn("") != drawn("")


def test_suggestion_is_label_and_confidence() -> None:
    prediction = {"label": "good", "confidence": 0.9, "model_version": "v1"}
    shown = suggestion_of(prediction)
    assert shown is not None
    assert shown.model_dump() == {"label": "good", "confidence": 0.9}
    assert suggestion_of(None) is None
    assert suggestion_of({"model_version": "v1"}) is None
