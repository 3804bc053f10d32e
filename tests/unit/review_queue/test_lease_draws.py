"""Which tasks show no suggestion, and what is shown of a prediction."""

import uuid

from services.review_queue.lifecycle.draws import LeaseDraws, suggestion_of

TASKS = [str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))) for number in range(5_000)]


def test_one_ordinary_task_in_five_shows_no_suggestion() -> None:
    without = [task for task in TASKS if not LeaseDraws("secret").shows_suggestion(task)]
    assert 850 < len(without) < 1150


def test_draw_is_the_same_at_each_lease_and_another_by_another_secret() -> None:
    def drawn(secret: str) -> list[bool]:
        draws = LeaseDraws(secret)
        return [draws.shows_suggestion(task) for task in TASKS]

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
