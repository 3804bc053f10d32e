"""What is said where nothing measures reviewers, and who is doubted all the same."""

from typing import Any

import pytest

from shared.contracts.base import rfc3339
from shared.contracts.versions import Channels, OutOfFold
from shared.settings import CommonSettings
from shared.store import Store, channels_path, first_labels_path, out_of_fold_path
from tests.harness.desk import Desk, Json, body_of, entry

LABELS = ("negative", "positive")


async def shown(desk: Desk, route: str, **query: Any) -> Json:
    return body_of(await desk.operator.get(desk.path(route), params=query))


async def answer(desk: Desk, reviewer: str, numbers: range, label_of: dict[int, str]) -> None:
    """Let a reviewer answer tasks that no model has scored."""
    await desk.post(*(entry(f"i{number}") for number in numbers))
    leases = await desk.lease(reviewer, len(numbers))
    assert len(leases) == len(numbers)
    for lease in leases:
        number = int(lease["task"]["item_id"].removeprefix("i"))
        await desk.verdict(reviewer, lease["token"], label_of[number])


async def store_held_out(
    desk: Desk,
    common: CommonSettings,
    given: dict[int, str],
    predicted: dict[int, str],
    version: str | None,
) -> None:
    """Say what a model held of the given labels, and publish it; None: before the first version."""
    store = Store(common.store_address)
    document = OutOfFold(
        item_ids=[f"i{number}" for number in given],
        labels=list(given.values()),
        predicted=[predicted[number] for number in given],
        confidences=[0.9] * len(given),
        label_probabilities=[
            0.9 if predicted[number] == label else 0.1 for number, label in given.items()
        ],
    )
    if version is None:
        await store.write_document(first_labels_path(desk.project), document)
        return
    await store.write_document(out_of_fold_path(desk.project, version), document)
    live = {"champion": version, "live_at": rfc3339(desk.clock())}
    channels = Channels.model_validate({"revision": 1, "champion": version, "history": [live]})
    await store.write_document(channels_path(desk.project), channels)


@pytest.mark.own_desk
async def test_a_bad_reviewer_is_named_at_overlap_1_without_gold(
    desk: Desk, common: CommonSettings
) -> None:
    await desk.put_project()
    truth = {number: LABELS[number % 2] for number in range(110)}
    other = {label: LABELS[1 - place] for place, label in enumerate(LABELS)}
    # r1 is right but for one in twenty; r2 on 12 of 30. The model errs on one in ten.
    given = {n: other[label] if n % 20 == 7 else label for n, label in truth.items()}
    given |= {n: truth[n] if n < 92 else other[truth[n]] for n in range(80, 110)}
    predicted = {n: other[label] if n % 10 == 3 else label for n, label in truth.items()}
    await answer(desk, "r1", range(80), given)
    await answer(desk, "r2", range(80, 110), given)

    before = await shown(desk, "suspects")
    assert (before["considered"], before["reviewers"]) == (0, [])
    assert before["note"] == (
        "No resolved task has a model's probabilities; 110 have a label. From 50 labels on the"
        " trainer cross-validates them, and again with each version (training.min_new_labels is"
        " 200). Tasks that come from a router have probabilities too."
    )
    await store_held_out(desk, common, given, predicted, "v1")
    found = await shown(desk, "suspects", limit=5)
    assert (found["considered"], found["note"]) == (110, None)
    (doubted,) = found["reviewers"]
    agreed = sum(given[n] == predicted[n] for n in range(80, 110))
    assert (doubted["reviewer"], doubted["labels"], doubted["agreed"]) == ("r2", 30, agreed)
    assert doubted["expected"] > agreed + 5
    assert {one["model_version"] for one in found["suspects"]} == {"v1"}
    assert found["suspects"][0]["margin"] == pytest.approx(0.8)
    # A label that was corrected is no longer the one that the model was held against.
    await desk.operator.post(desk.path(f"tasks/{found['suspects'][0]['task_id']}/reopen"))
    assert (await shown(desk, "suspects"))["considered"] == 109


@pytest.mark.own_desk
@pytest.mark.any_database
async def test_first_labels_are_compared_before_there_is_a_version(
    desk: Desk, common: CommonSettings
) -> None:
    await desk.put_project()
    given = {number: LABELS[number % 2] for number in range(20)}
    await answer(desk, "r1", range(20), given)
    await store_held_out(desk, common, given, given | {3: LABELS[0]}, None)
    found = await shown(desk, "suspects")
    assert found["considered"] == 20
    assert [(one["item_id"], one["model_version"]) for one in found["suspects"]] == [("i3", None)]
    # Where it cannot be read whether there is a champion, there may be one.
    await Store(common.store_address).write(channels_path(desk.project), b"{")
    assert (await shown(desk, "suspects"))["considered"] == 0


@pytest.mark.any_database
async def test_empty_figures_say_why_and_what_would_fill_them(desk: Desk) -> None:
    await desk.put_project()
    await answer(desk, "r1", range(3), dict.fromkeys(range(3), "negative"))
    to_do = "set review.overlap to 2, or add gold with POST …/gold (review.gold_rate is 0.05)"
    assert (await shown(desk, "agreement"))["note"] == (
        "No task has answers of two reviewers; there are 3 answers. To compare reviewers,"
        f" {to_do}. GET …/suspects compares them with a model."
    )
    assert (await shown(desk, "reviewers"))["note"] == (
        "It is not known how often these reviewers are right: they have no task in common with"
        f" others, and have answered no gold. To measure it, {to_do}. GET …/suspects names"
        " reviewers who disagree with a model more than others do."
    )


@pytest.mark.any_database
async def test_what_is_known_needs_no_note(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 2})
    await desk.post(entry("a"))
    await desk.answer("r1", "negative")
    note = (await shown(desk, "agreement"))["note"]
    assert "wait until a second reviewer has answered (review.overlap is 2)" in note
    await desk.answer("r2", "negative")
    assert (await shown(desk, "agreement"))["note"] is None
    assert (await shown(desk, "reviewers"))["note"] is None


@pytest.mark.any_database
async def test_a_lone_reviewer_is_compared_with_nobody(desk: Desk) -> None:
    await desk.put_project()
    prediction = {
        "label": "negative",
        "confidence": 0.9,
        "probabilities": {"negative": 0.9, "positive": 0.1},
        "model_version": "v1",
    }
    await desk.post(entry("a", prediction=prediction))
    await desk.answer("r1", "negative")
    found = await shown(desk, "suspects")
    assert (found["considered"], found["reviewers"]) == (1, [])
    assert found["note"].startswith("Only one reviewer has answered tasks that a model scored")
