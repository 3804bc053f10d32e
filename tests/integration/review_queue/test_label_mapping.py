"""Labels that an edit merges or renames: answers and outcomes get the new name, history the old."""

from typing import Any

import pytest

from tests.harness.desk import Desk, Json, body_of, entry, problem_of
from tests.integration.review_queue.exchange.files import records_of

TWO = {"overlap": 2, "max_overlap": 3, "lease_seconds": 60}


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project(labels=["bad", "awful", "good"], review=TWO)


async def patch(desk: Desk, body: Json, *statuses: int, **params: Any) -> Json:
    return body_of(await desk.operator.patch(desk.path(), json=body, params=params), *statuses)


MERGE: Json = {"labels": ["bad", "good"], "label_mapping": {"awful": "bad"}}


async def resolve(desk: Desk, item_id: str, *labels: str) -> str:
    """Let one reviewer a label answer a new task; return its id."""
    (receipt,) = await desk.post(entry(item_id))
    for number, label in enumerate(labels):
        await desk.answer(f"r{number}", label)
    return str(receipt["task_id"])


async def test_answers_and_outcomes_get_the_new_name_and_history_keeps_the_old(desk: Desk) -> None:
    task_id = await resolve(desk, "a", "awful", "awful")
    before = (await desk.outcomes())["outcomes"]
    cursor = (await desk.outcomes())["cursor"]
    gold = desk.path(f"tasks/{task_id}/gold")
    body_of(await desk.operator.put(gold, json={"label": "awful"}))
    half = await resolve(desk, "b", "awful")

    edited = await patch(desk, MERGE)
    assert edited["labels"] == ["bad", "good"]
    assert "label_mapping" not in edited
    (later,) = (await desk.outcomes(cursor))["outcomes"]
    assert later == before[0] | {"label": "bad", "revision": 2, "mapped": True}
    assert (await desk.outcomes())["outcomes"] == [*before, later]
    task = await desk.task(task_id)
    assert (task["label"], task["state"]) == ("bad", "resolved")
    said = [line["detail"].get("label") for line in task["timeline"] if line["kind"] == "verdict"]
    assert said == ["awful", "awful"]
    last = task["timeline"][-1]
    assert (last["kind"], last["actor"]) == ("label_mapped", "operator")
    assert last["detail"] == {"from": "awful", "to": "bad"}
    (listed,) = body_of(await desk.operator.get(desk.path("gold")))["gold"]
    assert listed["label"] == "bad"
    log = body_of(await desk.operator.get(desk.path("activity")))["activity"]
    changes = log[0]["detail"].pop("changes")
    assert "- awful" in changes[0]
    assert log[0]["detail"] == {"changed": ["labels"], "label_mapping": {"awful": "bad"}}
    records = {one["item_id"]: one for one in await records_of(desk)}
    assert [one["label"] for one in records["a"]["verdicts"]] == ["bad", "bad"]

    # An open task goes on with the vote under its new name.
    assert (await desk.answer("r1", "bad"))["state"] == "resolved"
    assert (await desk.task(half))["label"] == "bad"
    # A resolved item that comes again is not asked again.
    (receipt,) = await desk.post(entry("a"))
    assert (receipt["status"], receipt["label"]) == ("existing", "bad")


@pytest.mark.any_database
async def test_a_label_is_renamed_and_the_same_edit_again_changes_nothing(desk: Desk) -> None:
    task_id = await resolve(desk, "a", "good", "good")
    rename = {"labels": ["bad", "awful", "fine"], "label_mapping": {"good": "fine"}}
    first = await patch(desk, rename)
    assert await patch(desk, rename) == first
    assert (await desk.task(task_id))["label"] == "fine"
    assert [one["label"] for one in (await desk.outcomes())["outcomes"]] == ["good", "fine"]


@pytest.mark.any_database
async def test_a_dry_run_says_how_much_is_mapped_and_writes_nothing(desk: Desk) -> None:
    await resolve(desk, "a", "awful", "awful")
    await resolve(desk, "b", "awful")
    found = await patch(desk, MERGE, dry_run=True)
    assert found["label_mapping"] == {
        "awful": {"to": "bad", "votes": 1, "suggestions": 0, "outcomes": 1}
    }
    assert found["project"]["labels"] == ["bad", "good"]
    assert len((await desk.outcomes())["outcomes"]) == 1
    assert body_of(await desk.operator.get(desk.path()))["revision"] == 1


@pytest.mark.any_database
async def test_labels_in_use_that_are_not_mapped_are_still_refused(desk: Desk) -> None:
    await resolve(desk, "a", "awful", "awful")
    await resolve(desk, "b", "good", "good")
    body = {"labels": ["bad", "fine"], "label_mapping": {"awful": "bad"}}
    answer = await desk.operator.patch(desk.path(), json=body)
    problem = problem_of(answer, 409, "labels-in-use")
    assert problem["labels"].keys() == {"good"}
    assert "label_mapping" in problem["detail"]
    assert len((await desk.outcomes())["outcomes"]) == 2


@pytest.mark.parametrize(
    ("mapping", "labels", "fault"),
    [
        ({"other": "bad"}, ["bad", "good"], "is not a label of the project"),
        ({"good": "bad"}, ["bad", "good"], "must be a label that the edit removes"),
        ({"awful": "worst"}, ["bad", "good"], "must be mapped to one of the edit's `labels`"),
    ],
)
@pytest.mark.any_database
async def test_a_mapping_is_of_removed_labels_to_those_that_stay(
    mapping: Json, labels: list[str], fault: str, desk: Desk
) -> None:
    body = {"labels": labels, "label_mapping": mapping}
    problem = problem_of(await desk.operator.patch(desk.path(), json=body), 422, "unprocessable")
    (name,) = mapping
    assert problem["errors"] == [{"pointer": f"/label_mapping/{name}", "detail": fault}]


async def test_other_projects_are_let_be(desk: Desk) -> None:
    other = desk.named("other")
    await desk.put_project(other, labels=["awful", "good"])
    await desk.post(entry("a"), project=other)
    lease = body_of(await desk.reviewer("r1").post(desk.path("leases", other), json={}))
    await desk.verdict("r1", lease["leases"][0]["token"], "awful")
    await patch(desk, MERGE)
    found = body_of(await desk.service.get(desk.path("outcomes", other)))["outcomes"]
    assert [one["label"] for one in found] == ["awful"]
