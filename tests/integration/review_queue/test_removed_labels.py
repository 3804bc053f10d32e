"""Labels that a project has no more: what was said with them counts no longer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from shared.contracts.base import rfc3339
from shared.contracts.tasks import Lane
from tests.harness import wait_until
from tests.harness.cases import further
from tests.harness.desk import Desk, Json, body_of, entry, problem_of
from tests.integration.review_queue.exchange.files import lines, records_of, send, take_in

THREE = {"overlap": 3, "max_overlap": 3, "lease_seconds": 60}


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await with_labels(desk, "a", "b", "c")


async def with_labels(desk: Desk, *labels: str, **review: Any) -> None:
    await desk.put_project(labels=labels, review=THREE | review, allow_label_removal=True)


async def half_answered(desk: Desk) -> str:
    """A task with two votes for a label that has gone since."""
    (receipt,) = await desk.post(entry("x"))
    for name in ("r1", "r2"):
        await desk.answer(name, "c")
    await with_labels(desk, "a", "b")
    return str(receipt["task_id"])


async def votes(desk: Desk) -> list[tuple[str, str]]:
    (record,) = await records_of(desk)
    return [(one["reviewer"], one["label"]) for one in record["verdicts"]]


async def test_votes_for_it_make_no_outcome_and_their_givers_are_asked_again(desk: Desk) -> None:
    task_id = await half_answered(desk)
    third = await desk.answer("r3", "a")
    assert (third["state"], third["outcome"]) == ("open", None)
    assert await votes(desk) == [("r3", "a")]
    assert await desk.lease("r3") == []
    await desk.answer("r1", "a")
    await desk.answer("r2", "b")
    (last,) = (await desk.outcomes())["outcomes"]
    assert (last["label"], last["source"], last["verdicts"]) == ("a", "consensus", 3)
    fallen = [one for one in (await desk.task(task_id))["timeline"] if one["kind"] == "undone"]
    assert [(one["actor"], one["detail"]["reviewer"]) for one in fallen] == [
        (None, "r1"),
        (None, "r2"),
    ]
    # It was nobody's act.
    log = body_of(await desk.operator.get(desk.path("activity?action=task.undone")))
    assert log["activity"] == []


@pytest.mark.any_database
async def test_they_do_not_count_where_somebody_skips_or_adjudicates(desk: Desk) -> None:
    task_id = await half_answered(desk)
    lease = await desk.lease_one("r3")
    skipped = body_of(await desk.use("r3", lease["token"], "skip", {"reason": "unclear"}))
    assert skipped["state"] == "open"
    path = desk.path(f"tasks/{task_id}/adjudicate")
    decided = body_of(await desk.operator.post(path, json={"label": "b"}))
    assert decided["outcome"]["verdicts"] == 0


@pytest.mark.any_database
async def test_they_do_not_count_beside_a_verdict_given_elsewhere(desk: Desk) -> None:
    task_id = await half_answered(desk)
    path = desk.path(f"tasks/{task_id}/verdicts")
    answer = body_of(await desk.service.post(path, json={"reviewer": "r3", "label": "a"}))
    assert (answer["state"], answer["outcome"]) == ("open", None)


@pytest.mark.any_database
async def test_they_do_not_count_beside_imported_answers(desk: Desk) -> None:
    await half_answered(desk)
    await take_in(desk, lines(entry("x", verdicts=[{"reviewer": "r3", "label": "a"}])))
    (record,) = await records_of(desk)
    assert (record["state"], record["label"]) == ("open", None)


async def answered(desk: Desk, label: str, *, overlap: int = 1) -> str:
    await with_labels(desk, "a", "b", "c", overlap=overlap)
    (receipt,) = await desk.post(entry("x"))
    for name in ("r1", "r2", "r3")[:overlap]:
        await desk.answer(name, label)
    return str(receipt["task_id"])


@pytest.mark.parametrize(
    "lane", ["mandatory", *further(*sorted({*get_args(Lane)} - {"mandatory"}))]
)
@pytest.mark.any_database
async def test_a_resolved_item_is_asked_anew_in_each_lane(desk: Desk, lane: str) -> None:
    task_id = await answered(desk, "c")
    await with_labels(desk, "a", "b", overlap=1)
    (receipt,) = await desk.post(entry("x", lane=lane))
    assert (receipt["status"], receipt["state"], receipt["label"]) == ("existing", "open", None)
    assert (await desk.task(task_id))["lane"] == lane
    # Who gave the label that has gone may be the one who is asked.
    await desk.answer("r1", "a")
    told = [(row["revision"], row["label"]) for row in (await desk.outcomes())["outcomes"]]
    assert told == [(1, "c"), (2, None), (3, "a")]
    (again,) = await desk.post(entry("x", lane="mandatory"))
    assert (again["state"], again["label"]) == ("resolved", "a")


@pytest.mark.any_database
async def test_gold_of_a_label_that_has_gone_is_asked_anew(desk: Desk) -> None:
    task_id = await answered(desk, "c")
    path = desk.path("gold")
    body_of(await desk.operator.post(path, json={"items": [entry("x", label="c")]}))
    await with_labels(desk, "a", "b", overlap=1)
    (receipt,) = await desk.post(entry("x"))
    assert (receipt["state"], receipt["label"]) == ("open", None)
    assert (await desk.task(task_id))["lane"] == "mandatory"


@pytest.mark.any_database
async def test_an_item_asked_anew_is_due_by_the_new_call(desk: Desk) -> None:
    task_id = await answered(desk, "c")
    await with_labels(desk, "a", "b", overlap=1)
    desk.clock.advance(10 * 24 * 3600)
    await desk.post(entry("x"))
    assert (await desk.task(task_id))["due_at"] > rfc3339(desk.clock())


@pytest.mark.any_database
async def test_an_import_asks_nobody_anew(desk: Desk) -> None:
    await answered(desk, "c")
    await with_labels(desk, "a", "b", overlap=1)
    report = await take_in(desk, lines(entry("x")))
    assert report["existing"] == 1
    assert await desk.lease("r2") == []


async def test_an_import_keeps_to_the_labels_as_they_are_while_it_comes(desk: Desk) -> None:
    gone = asyncio.Event()

    def row(number: int) -> Json:
        return entry(f"item {number}", label="c")

    async def body() -> AsyncIterator[bytes]:
        yield lines(*(row(number) for number in range(250)))
        await gone.wait()
        yield lines(row(250))

    async def arrived() -> bool:
        return len(await records_of(desk)) == 250

    sending = asyncio.create_task(send(desk, body()))
    await wait_until(arrived)
    await with_labels(desk, "a", "b")
    gone.set()
    report = body_of(await sending)
    assert report["created"] == 250
    assert report["rejected"] == [{"line": 251, "detail": "/label: is not a label of this project"}]


async def refusal(desk: Desk, *labels: str) -> Json:
    """Refuse to leave these labels alone; return which others are used, and how often."""
    before = body_of(await desk.operator.get(desk.path()))
    for dry_run in (False, True):
        params = {"dry_run": dry_run}
        answer = await desk.operator.patch(desk.path(), json={"labels": labels}, params=params)
        problem = problem_of(answer, 409, "labels-in-use")
    replaced = await desk.operator.put(desk.path(), json=before | {"labels": labels})
    assert problem_of(replaced, 409, "labels-in-use") == problem
    assert body_of(await desk.operator.get(desk.path())) == before
    used: Json = problem["labels"]
    return used


async def test_labels_that_tasks_use_are_removed_only_with_consent(desk: Desk) -> None:
    await desk.post(entry("v"))
    await desk.answer("r1", "c")
    await desk.answer("r2", "b")
    prediction = {"label": "c", "model_version": "v1"}
    await desk.post(entry("s", prediction=prediction), entry("t", prediction=prediction))
    unused = {"votes": 0, "suggestions": 0, "outcomes": 0}
    assert await refusal(desk, "a", "b") == {"c": unused | {"votes": 1, "suggestions": 2}}
    both = {"b": unused | {"votes": 1}, "c": unused | {"votes": 1, "suggestions": 2}}
    assert await refusal(desk, "a", "other") == both
    consent = {"allow_label_removal": True}
    answer = await desk.operator.patch(desk.path(), json={"labels": ["a", "b"]}, params=consent)
    assert body_of(answer)["labels"] == ["a", "b"]


async def test_labels_of_outcomes_are_removed_only_with_consent(desk: Desk) -> None:
    await answered(desk, "c")
    used = {"votes": 0, "suggestions": 0, "outcomes": 1}
    assert await refusal(desk, "a", "b") == {"c": used}


@pytest.mark.any_database
async def test_a_label_that_no_task_uses_is_removed_at_once(desk: Desk) -> None:
    await answered(desk, "c")
    answer = await desk.operator.patch(desk.path(), json={"labels": ["c", "b"]})
    assert body_of(answer)["labels"] == ["c", "b"]
