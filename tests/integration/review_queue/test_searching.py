"""Searching the list of tasks, in any order of age, page by page."""

from typing import Any

import pytest

from services.review_queue.lifecycle.tasks import repository
from tests.harness.desk import PROJECT, Desk, body_of, entry, problem_of


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    fields = {**PROJECT["fields"], "size": {"type": "number"}}
    await desk.put_project(metadata=["channel", "language"], fields=fields)


async def found(desk: Desk, **query: Any) -> list[str]:
    """The ids of the items that are found, over all pages."""
    items: list[str] = []
    params = query
    while True:
        page = body_of(await desk.operator.get(desk.path("tasks"), params=params))
        items += [task["item_id"] for task in page["tasks"]]
        if page["cursor"] is None:
            return items
        params = {**query, "after": page["cursor"]}


def item(item_id: str, text: str, **metadata: str) -> dict[str, Any]:
    return {"item_id": item_id, "data": {"text": text, "size": 1}, "metadata": metadata}


async def fill(desk: Desk) -> None:
    for one in (
        item("order-1", "Arrived BROKEN", channel="web", language="en"),
        item("order-2", "100% fine", channel="web", language="de"),
        item("order-3", "1000 fine", channel="shop", language="de"),
        item("order_4", 'Sagt "Grüße"', channel="shop"),
    ):
        desk.clock.advance(1)
        await desk.post(one)


async def test_text_is_found_in_ids_and_texts_and_nothing_in_it_is_a_pattern(desk: Desk) -> None:
    await fill(desk)
    assert await found(desk, q="broken") == ["order-1"]
    assert await found(desk, q="fine") == ["order-2", "order-3"]
    assert await found(desk, q="100%") == ["order-2"]
    assert await found(desk, q="order_") == ["order_4"]
    assert await found(desk, q='"Grüße"') == ["order_4"]
    assert await found(desk, q="text") == []
    assert await found(desk, q="' OR 1=1 --") == []
    assert len(await found(desk, q="ORDER")) == 4


async def test_metadata_and_other_filters_all_hold(desk: Desk) -> None:
    await fill(desk)
    assert await found(desk, metadata="channel:web") == ["order-1", "order-2"]
    both = ["channel:web", "language:de"]
    assert await found(desk, metadata=both) == ["order-2"]
    assert await found(desk, metadata=both, q="fine", state="open") == ["order-2"]
    assert await found(desk, metadata=both, state="resolved") == []
    for wrong in ("channel", "colour:red"):
        answer = await desk.operator.get(desk.path("tasks"), params={"metadata": wrong})
        (fault,) = problem_of(answer, 422, "unprocessable")["errors"]
        assert fault["pointer"] == "/query/metadata"


async def test_pages_go_in_both_orders(desk: Desk) -> None:
    await fill(desk)
    items = ["order-1", "order-2", "order-3", "order_4"]
    assert await found(desk, limit=1) == items
    assert await found(desk, limit=3, order="newest") == items[::-1]
    assert await found(desk, limit=1, order="newest", q="fine") == ["order-3", "order-2"]


async def test_a_search_looks_through_so_many_tasks_a_call(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "SEARCHED", 2)
    await fill(desk)
    page = body_of(await desk.operator.get(desk.path("tasks"), params={"q": "Sagt"}))
    assert page["tasks"] == []
    assert page["cursor"] is not None
    for order in ("oldest", "newest"):
        assert await found(desk, q="Sagt", order=order) == ["order_4"]
        assert sorted(await found(desk, q="fine", order=order)) == ["order-2", "order-3"]


@pytest.mark.any_database
async def test_a_timeline_says_in_words_what_happened(desk: Desk) -> None:
    (receipt,) = await desk.post(entry("a", data={"text": "a", "size": 1}))
    lease = await desk.lease_one("anna")
    body_of(await desk.use("anna", lease["token"], "skip", {"reason": "unclear"}))
    await desk.answer("boris", "negative")
    path = desk.path(f"tasks/{receipt['task_id']}")
    body_of(await desk.operator.post(f"{path}/reopen"))
    told = [line["words"] for line in (await desk.task(receipt["task_id"]))["timeline"]]
    assert told == [
        "service added it in lane mandatory",
        "anna took it",
        "anna skipped it: unclear",
        "boris took it",
        "boris answered negative",
        "resolved as negative",
        "operator opened it again",
    ]


async def test_a_row_shows_how_the_items_text_begins(desk: Desk) -> None:
    await desk.put_project(fields={"text": {"type": "text"}, "size": {"type": "number"}})
    for one in (item("order-1", "x" * 300), item("order-2", "short")):
        await desk.post(one)
    page = body_of(await desk.operator.get(desk.path("tasks")))
    excerpts = {task["item_id"]: task["excerpt"] for task in page["tasks"]}
    assert excerpts == {"order-1": "x" * 200, "order-2": "short"}


async def test_waiting_tasks_are_counted_by_age(desk: Desk) -> None:
    async def ages() -> dict[float, int]:
        said = body_of(await desk.operator.get(desk.path("queue/ages")))
        assert (said["complete"], said["buckets"][-1]["to_seconds"]) == (True, None)
        return {one["from_seconds"]: one["waiting"] for one in said["buckets"] if one["waiting"]}

    assert await ages() == {}
    await desk.post(item("old", "x"), item("older", "x"))
    assert await ages() == {0: 2}
    desk.clock.advance(4 * 3600)
    await desk.post(item("new", "x"))
    desk.clock.advance(900)
    assert await ages() == {900: 1, 4 * 3600: 2}
