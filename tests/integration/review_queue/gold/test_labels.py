"""Known labels over HTTP, on each database."""

import pytest

from shared.contracts.base import task_id_for
from tests.harness.desk import Desk, body_of, entry, problem_of
from tests.integration.review_queue.gold.people import add_gold, feed, gold, known


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    # Nothing is drawn by chance here.
    await desk.put_project(review={"max_overlap": 2, "gold_rate": 0})


async def test_added_gold_is_decided_and_in_nobodys_queue(desk: Desk) -> None:
    receipts = await add_gold(desk, known("a", "right", explanation="It says so."), known("b"))
    assert [receipt["status"] for receipt in receipts] == ["created", "created"]
    assert [receipt["task_id"] for receipt in receipts] == [
        task_id_for(desk.project, item_id) for item_id in ("a", "b")
    ]
    task = await desk.task(receipts[0]["task_id"])
    assert (task["lane"], task["state"], task["label"], task["source"]) == (
        *("gold", "resolved", "positive", "adjudicator"),
    )
    assert [line["kind"] for line in task["timeline"]] == ["created", "adjudicated", "resolved"]
    assert await feed(desk) == [("a", 1, "positive"), ("b", 1, "positive")]
    listed = await gold(desk)
    assert {name: one["kind"] for name, one in listed.items()} == {
        "a": "model_right",
        "b": "no_prediction",
    }
    assert (listed["a"]["explanation"], listed["a"]["added_by"]) == ("It says so.", "operator")
    assert (listed["a"]["answered"], listed["a"]["right"], listed["a"]["skipped"]) == (0, 0, 0)
    assert body_of(await desk.operator.get(desk.path("queue")))["open"] == 0


async def test_gold_is_added_once_and_each_entry_stands_for_itself(desk: Desk) -> None:
    await desk.post(entry("open"))
    await add_gold(desk, known("a"))
    before = await feed(desk)
    receipts = await add_gold(
        desk,
        known("a"),
        known("a", label="negative"),
        known("a", data={"text": "something else"}),
        known("open"),
        known("bad", data={"text": 7}),
        known("unknown", label="neither"),
        known("odd", lane="gold"),
        known("new"),
        known("new"),
    )
    assert [receipt["status"] for receipt in receipts] == [
        *("existing", "conflict", "conflict", "conflict"),
        *("rejected", "rejected", "rejected", "created", "existing"),
    ]
    assert "label" in receipts[5]["detail"]
    assert set(await gold(desk)) == {"a", "new"}
    assert await feed(desk) == [*before, ("new", 1, "positive")]
    assert len(await desk.lease("r1", 9)) == 1


@pytest.mark.any_database
async def test_operator_vouches_for_a_label_and_retires_it(desk: Desk) -> None:
    await desk.post(entry("a"))
    task_id = (await desk.answer("r1", "positive"))["task_id"]
    address = desk.path(f"tasks/{task_id}/gold")
    body = {"label": "positive", "explanation": "Read it twice."}
    for _ in range(2):
        vouched = body_of(await desk.operator.put(address, json=body))
        assert (vouched["item_id"], vouched["added_by"]) == ("a", "operator")
    assert await gold(desk) == {"a": vouched}
    # What operators vouch for is settled: nobody takes it back, nobody is asked again.
    await desk.post(entry("a", lane="relabel"))
    assert (await desk.task(task_id))["state"] == "resolved"
    assert await feed(desk) == [("a", 1, "positive")]
    assert (await desk.operator.delete(address)).status_code == 204
    problem_of(await desk.operator.delete(address), 404, "not-found")
    assert await gold(desk) == {}
    body_of(await desk.operator.put(address, json={"label": "positive"}))
    assert (await gold(desk))["a"]["explanation"] is None


@pytest.mark.any_database
async def test_only_the_label_of_a_resolved_task_can_be_vouched_for(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a"))
    address = desk.path(f"tasks/{receipt['task_id']}/gold")
    refused = await desk.operator.put(address, json={"label": "positive"})
    assert problem_of(refused, 409, "conflict")["state"] == "open"
    await desk.answer("r1", "negative")
    refused = await desk.operator.put(address, json={"label": "positive"})
    assert problem_of(refused, 409, "conflict")["label"] == "negative"
    refused = await desk.operator.put(address, json={"label": "neither"})
    assert problem_of(refused, 422, "unprocessable")["errors"][0]["pointer"] == "/label"
    missing = await desk.operator.put(desk.path("tasks/nonsense/gold"), json={"label": "positive"})
    problem_of(missing, 404, "not-found")
    problem_of(await desk.operator.delete(address), 404, "not-found")
    assert await gold(desk) == {}


@pytest.mark.any_database
async def test_what_an_adjudicator_decides_in_lane_gold_is_gold_until_it_is_reopened(
    desk: Desk,
) -> None:
    (receipt,) = await desk.post(entry("a", lane="gold"))
    address = desk.path(f"tasks/{receipt['task_id']}")
    await desk.answer("r1", "negative")
    assert await gold(desk) == {}
    body_of(await desk.operator.post(f"{address}/reopen"))
    body_of(await desk.operator.post(f"{address}/adjudicate", json={"label": "positive"}))
    (one,) = (await gold(desk)).values()
    assert (one["label"], one["added_by"]) == ("positive", None)
    assert (await desk.operator.delete(f"{address}/gold")).status_code == 204
    assert await gold(desk) == {}
    body_of(await desk.operator.put(f"{address}/gold", json={"label": "positive"}))
    assert set(await gold(desk)) == {"a"}
    body_of(await desk.operator.post(f"{address}/reopen"))
    assert await gold(desk) == {}


@pytest.mark.any_database
async def test_undo_leaves_a_label_that_is_vouched_for(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    await desk.verdict("r1", lease["token"], "positive")
    address = desk.path(f"tasks/{lease['task']['task_id']}/gold")
    body_of(await desk.operator.put(address, json={"label": "positive"}))
    problem_of(await desk.use("r1", lease["token"], "undo"), 409, "conflict")
    assert (await desk.operator.delete(address)).status_code == 204
    assert body_of(await desk.use("r1", lease["token"], "undo"))["state"] == "open"


async def test_gold_comes_in_pages(desk: Desk) -> None:
    await add_gold(desk, *(known(f"g{number}") for number in range(5)))
    seen: list[str] = []
    after: str | None = None
    while after is not None or not seen:
        params = {"limit": 2} | ({"after": after} if after else {})
        listed = body_of(await desk.operator.get(desk.path("gold"), params=params))
        seen += [one["item_id"] for one in listed["gold"]]
        after = listed["cursor"]
    assert sorted(seen) == [f"g{number}" for number in range(5)]
    refused = await desk.operator.get(desk.path("gold"), params={"after": "MTI"})
    assert problem_of(refused, 422, "unprocessable")["errors"][0]["pointer"] == "/query/after"


@pytest.mark.any_database
async def test_gold_is_the_operators(desk: Desk) -> None:
    task = desk.path(f"tasks/{task_id_for(desk.project, 'a')}/gold")
    for role in ("reviewer", "service", "caller"):
        one = desk.of(role)
        problem_of(await one.get(desk.path("gold")), 403, "forbidden")
        problem_of(await one.post(desk.path("gold"), json={"items": [{}]}), 403, "forbidden")
        problem_of(await one.put(task, json={"label": "positive"}), 403, "forbidden")
        problem_of(await one.delete(task), 403, "forbidden")
    problem_of(await desk.operator.get("/v1/projects/nowhere/gold"), 404, "not-found")
    missing = await desk.operator.post("/v1/projects/nowhere/gold", json={"items": [{}]})
    problem_of(missing, 404, "not-found")


async def test_a_thousand_items_are_added_by_one_call(desk: Desk) -> None:
    receipts = await add_gold(desk, *(known(f"g{number}") for number in range(1000)))
    assert {receipt["status"] for receipt in receipts} == {"created"}
    too_many = await desk.operator.post(desk.path("gold"), json={"items": [{}] * 1001})
    problem_of(too_many, 422, "unprocessable")
