from datetime import timedelta
from typing import Any, get_args

import pytest

from shared.contracts.base import rfc3339, task_id_for
from shared.contracts.tasks import Lane
from tests.harness.cases import further
from tests.harness.desk import Desk, entry, problem_of
from tests.integration.review_queue.exchange.files import lines, take_in


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


@pytest.mark.any_database
async def test_receipts_are_in_the_order_of_the_entries(desk: Desk) -> None:
    receipts = await desk.post(entry("b"), entry("a"), entry("c"))
    assert [receipt["item_id"] for receipt in receipts] == ["b", "a", "c"]
    assert [receipt["status"] for receipt in receipts] == ["created"] * 3
    assert receipts[0]["task_id"] == task_id_for(desk.project, "b")


async def test_repeated_call_is_the_same_task(desk: Desk) -> None:
    await desk.post(entry("a"))
    (again,) = await desk.post(entry("a"))
    assert (again["status"], again["state"]) == ("existing", "open")
    assert len(await desk.lease("r1", 9)) == 1


async def test_bad_entry_spoils_no_neighbour(desk: Desk) -> None:
    receipts = await desk.post(
        entry("a"), {"item_id": "bad", "data": {"text": 7}}, entry("x" * 201), entry("c")
    )
    assert [receipt["status"] for receipt in receipts] == [
        "created",
        "rejected",
        "rejected",
        "created",
    ]
    assert receipts[1]["item_id"] == "bad"
    assert "/data/text" in receipts[1]["detail"]
    assert len(await desk.lease("r1", 9)) == 2


@pytest.mark.any_database
async def test_other_data_under_an_open_id_is_a_conflict(desk: Desk) -> None:
    await desk.post(entry("a"))
    conflict, fine = await desk.post(entry("a", data={"text": "other"}), entry("b"))
    assert (conflict["status"], fine["status"]) == ("conflict", "created")
    lease = next(one for one in await desk.lease("r1", 2) if one["task"]["item_id"] == "a")
    assert lease["task"]["data"] == {"text": "text of a"}
    (leased,) = await desk.post(entry("a", data={"text": "other"}))
    assert (leased["status"], leased["state"]) == ("conflict", "leased")


@pytest.mark.any_database
async def test_resolved_item_tells_its_label(desk: Desk) -> None:
    await desk.post(entry("a"))
    await desk.answer("r1", "positive")
    (receipt,) = await desk.post(entry("a"))
    assert receipt["status"] == "existing"
    assert (receipt["state"], receipt["label"], receipt["source"]) == (
        "resolved",
        "positive",
        "human",
    )


@pytest.mark.parametrize(
    "lane", ["mandatory", *further(*sorted({*get_args(Lane)} - {"mandatory"}))]
)
@pytest.mark.any_database
async def test_other_data_under_a_resolved_id_is_a_conflict_in_each_lane(
    desk: Desk, lane: str
) -> None:
    await desk.post(entry("a"))
    await desk.answer("r1", "positive")
    conflict, fine = await desk.post(entry("a", lane=lane, data={"text": "other"}), entry("b"))
    assert (conflict["status"], fine["status"]) == ("conflict", "created")
    assert conflict["detail"] == "The item is known with other data."
    assert (conflict["state"], conflict["label"]) == ("resolved", None)
    rows = (await desk.outcomes())["outcomes"]
    assert [(row["item_id"], row["data"]) for row in rows] == [("a", {"text": "text of a"})]


async def test_item_twice_in_one_call(desk: Desk) -> None:
    receipts = await desk.post(entry("a"), entry("a"), entry("a", data={"text": "other"}))
    assert [receipt["status"] for receipt in receipts] == ["created", "existing", "conflict"]
    assert len({receipt["task_id"] for receipt in receipts}) == 1


@pytest.mark.any_database
async def test_mandatory_task_is_due_by_the_projects_rule_unless_it_says(desk: Desk) -> None:
    due_at = rfc3339(desk.clock() + timedelta(days=1))
    receipts = await desk.post(
        entry("a"), entry("b", due_at=due_at), entry("c", lane="pool"), entry("d", lane="audit")
    )
    by_rule = rfc3339(desk.clock() + timedelta(seconds=3600))
    due = [(await desk.task(receipt["task_id"]))["due_at"] for receipt in receipts]
    assert due == [by_rule, due_at, None, None]


@pytest.mark.parametrize("lane", ["certification", "audit", "gold"])
@pytest.mark.any_database
async def test_open_task_moves_to_the_blind_lane_with_the_draws_prediction(
    desk: Desk, lane: str
) -> None:
    (receipt,) = await desk.post(entry("a", prediction={"label": "negative"}))
    drawn: dict[str, Any] = {"label": "positive", "propensity": 0.05, "model_version": "v2"}
    (again,) = await desk.post(entry("a", lane=lane, prediction=drawn))
    assert again["status"] == "existing"
    task = await desk.task(receipt["task_id"])
    assert task["lane"] == lane
    assert (task["prediction"]["model_version"], task["prediction"]["propensity"]) == ("v2", 0.05)
    assert await desk.kinds(receipt["task_id"]) == ["created", "moved"]


@pytest.mark.any_database
async def test_leased_task_stays_in_its_lane(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    await desk.lease_one("r1")
    await desk.post(entry("a", lane="audit"))
    assert (await desk.task(receipt["task_id"]))["lane"] == "mandatory"
    # Once the lease has expired nobody has it, and it moves.
    desk.clock.advance(61)
    await desk.post(entry("a", lane="audit"))
    assert (await desk.task(receipt["task_id"]))["lane"] == "audit"


@pytest.mark.any_database
async def test_evidence_stays_evidence(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a", lane="certification"))
    await desk.post(entry("a", lane="mandatory"))
    await desk.post(entry("a", lane="audit"))
    assert (await desk.task(receipt["task_id"]))["lane"] == "certification"


@pytest.mark.parametrize("lane", ["optional", "pool", "relabel"])
@pytest.mark.any_database
async def test_shadow_task_stays_blind_where_no_caller_waits(desk: Desk, lane: str) -> None:
    (receipt,) = await desk.post(entry("a", lane="shadow"))
    due_at = {"due_at": rfc3339(desk.clock() + timedelta(minutes=9))} if lane == "optional" else {}
    said = {"label": "positive", "confidence": 0.9}
    (again,) = await desk.post(entry("a", lane=lane, prediction=said, **due_at))
    # By this receipt a router answers an item at once that it has offered for an optional review.
    assert (again["status"], again["state"], again.get("expires_at")) == ("existing", "open", None)
    task = await desk.task(receipt["task_id"])
    assert (task["lane"], task["prediction"], task["due_at"]) == ("shadow", None, None)
    await desk.answer("r1", "positive")
    outcome = await desk.newest("a")
    assert (outcome["lane"], outcome["blind"]) == ("shadow", True)


@pytest.mark.any_database
async def test_shadow_task_that_a_caller_waits_for_becomes_mandatory(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a", lane="shadow"))
    await desk.post(entry("a"))
    task = await desk.task(receipt["task_id"])
    assert task["lane"] == "mandatory"
    assert task["due_at"] is not None
    assert await desk.kinds(receipt["task_id"]) == ["created", "moved"]


async def test_relabel_reopens_a_resolved_task_for_others(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    await desk.answer("r1", "positive")
    (again,) = await desk.post(entry("a", lane="relabel"))
    assert (again["status"], again["state"], again["label"]) == ("existing", "open", None)
    assert await desk.lease("r1") == []
    await desk.answer("r2", "negative")
    feed = await desk.outcomes()
    assert [(row["revision"], row["label"], row["lane"]) for row in feed["outcomes"]] == [
        (1, "positive", "mandatory"),
        (2, None, "relabel"),
        (3, "negative", "relabel"),
    ]
    assert [row["verdicts"] for row in feed["outcomes"]] == [1, 0, 1]
    assert "reopened" in await desk.kinds(receipt["task_id"])


async def test_a_relabel_that_is_asked_for_twice_keeps_its_answer(desk: Desk) -> None:
    prediction = {"label": "positive", "model_version": "v1", "propensity": 0.3}
    asked = entry("a", lane="relabel", prediction=prediction)
    await desk.post(entry("a"))
    await desk.answer("r1", "positive")
    await desk.post(asked)
    await desk.answer("r2", "negative")
    # The acknowledgement was lost: the trainer posts the task again.
    (again,) = await desk.post(asked)
    assert (again["state"], again["label"]) == ("resolved", "negative")
    (other,) = await desk.post({**asked, "prediction": {**prediction, "propensity": 0.4}})
    assert other["state"] == "open"


@pytest.mark.any_database
async def test_relabel_with_other_data_is_a_conflict(desk: Desk) -> None:
    await desk.post(entry("a"))
    await desk.answer("r1", "positive")
    (receipt,) = await desk.post(entry("a", lane="relabel", data={"text": "other"}))
    assert (receipt["status"], receipt["state"]) == ("conflict", "resolved")


@pytest.mark.any_database
async def test_relabel_of_an_open_task_changes_nothing(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    await desk.post(entry("a", lane="relabel"))
    assert (await desk.task(receipt["task_id"]))["lane"] == "mandatory"


@pytest.mark.any_database
async def test_a_thousand_tasks_at_once_and_not_one_more(desk: Desk) -> None:
    entries = [entry(f"item-{number}") for number in range(1001)]
    too_many = await desk.service.post(desk.path("tasks"), json={"tasks": entries})
    (fault,) = problem_of(too_many, 422, "unprocessable")["errors"]
    assert fault["pointer"] == "/tasks"
    assert await desk.lease("r1") == []
    receipts = await desk.post(*entries[:1000])
    assert {receipt["status"] for receipt in receipts} == {"created"}
    again = await desk.post(*entries[:1000])
    assert {receipt["status"] for receipt in again} == {"existing"}
    # Asked in the order they came in.
    leased = [lease["task"]["item_id"] for lease in await desk.lease("r1", 100)]
    assert leased == [f"item-{number}" for number in range(100)]


@pytest.mark.any_database
async def test_labels_that_went_away_bind_new_verdicts_only(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await desk.put_project(labels=["bad", "good"])
    refused = await desk.use("r1", lease["token"], "verdict", {"label": "positive"})
    (fault,) = problem_of(refused, 422, "unprocessable")["errors"]
    assert fault["pointer"] == "/label"
    progress = await desk.verdict("r1", lease["token"], "good")
    assert progress["outcome"]["label"] == "good"


async def test_item_ids_of_any_script_and_with_slashes(desk: Desk) -> None:
    names = ["bücher/17", "注文 5", "a%2Fb", "..", "x?y#z"]
    await desk.post(*(entry(name) for name in names))
    for name in names:
        quoted = "".join(f"%{byte:02X}" for byte in name.encode())
        answer = await desk.service.get(desk.path(f"outcomes/{quoted}"))
        assert answer.json()["item_id"] == name


# Both are times in their own zone, and none in UTC.
EDGES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("key", ["due_at", "received_at", "decided_at"])
async def test_a_time_at_the_end_of_the_calendar_is_a_fault_of_its_entry(
    desk: Desk, edge: str, key: str
) -> None:
    bad = entry("a", due_at=edge) if key == "due_at" else entry("a", prediction={key: edge})
    pointer = "/due_at" if key == "due_at" else f"/prediction/{key}"
    rejected, created = await desk.post(bad, entry("b"))
    assert (rejected["status"], created["status"]) == ("rejected", "created")
    assert rejected["detail"].startswith(f"{pointer}: ")
    report = await take_in(desk, lines(bad, entry("c")))
    assert report["created"] == 1
    (fault,) = report["rejected"]
    assert fault["detail"].startswith(f"{pointer}: ")


@pytest.mark.parametrize("edge", EDGES)
async def test_a_time_at_the_end_of_the_calendar_is_a_fault_of_its_query(
    desk: Desk, edge: str
) -> None:
    answer = await desk.operator.get(desk.path("timings"), params={"since": edge})
    problem = problem_of(answer, 422, "unprocessable")
    assert problem["errors"][0]["pointer"] == "/query/since"
