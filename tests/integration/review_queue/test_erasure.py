"""Erasure: nothing of the item is left, the tombstone stays, and all who had it are told."""

import asyncio
import hashlib
from urllib.parse import quote

import httpx
import orjson
import pytest

from services.review_queue.settings import ReviewQueueSettings
from shared.contracts.base import task_id_for
from shared.contracts.items import canonical_digest
from tests.harness.desk import Desk, Json, body_of, entry, problem_of
from tests.harness.rows import tables_with
from tests.integration.review_queue.exchange.files import lines, records_of, take_in

SECRET = "Mrs Loris of 5 Elm Road"
DATA = {"text": SECRET}


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 2, "max_overlap": 3, "lease_seconds": 60})


async def erase(desk: Desk, item_id: str, **query: str) -> Json:
    path = desk.path(f"items/{quote(item_id, safe='')}")
    return body_of(await desk.operator.delete(path, params=query))


async def post_secret(desk: Desk, **parts: object) -> str:
    secret = {"item_id": "a", "data": DATA, "metadata": {"channel": SECRET}, **parts}
    (receipt,) = await desk.post(secret)
    return str(receipt["task_id"])


async def answer(desk: Desk, name: str, what: str, **body: object) -> str:
    lease = await desk.lease_one(name)
    body_of(await desk.use(name, lease["token"], what, body))
    return str(lease["token"])


@pytest.mark.own_desk
async def test_nothing_of_the_item_is_left_in_any_table(
    desk: Desk, settings: ReviewQueueSettings
) -> None:
    prediction = {"label": "positive", "confidence": 0.123456789, "model_version": "v1"}
    task_id = await post_secret(desk, prediction=prediction)
    spoken = await answer(desk, "r1", "verdict", label="negative", comment=SECRET)
    await answer(desk, "r2", "skip", reason=SECRET)
    said = {"about": "item", "task_id": task_id, "text": SECRET}
    feedback = desk.path("feedback")
    given = body_of(await desk.reviewer("r1").post(feedback, json=said))
    answered = f"{feedback}/{given['feedback_id']}/answer"
    body_of(await desk.operator.post(answered, json={"text": SECRET}))
    task = desk.path(f"tasks/{task_id}")
    word = {"label": "positive", "comment": SECRET}
    body_of(await desk.operator.post(f"{task}/adjudicate", json=word))
    body_of(await desk.operator.post(f"{task}/reopen"))
    verdict = {"label": "negative", "active_seconds": None, "comment": SECRET}
    digest = hashlib.sha256(orjson.dumps(verdict, option=orjson.OPT_SORT_KEYS)).hexdigest()
    traces = (SECRET, "0.123456789", canonical_digest(DATA), digest)
    held = {"tasks", "verdicts", "leases", "outcomes", "task_events", "feedback"}
    assert await tables_with(settings.database_url, *traces) == held

    stone = await erase(desk, "a", reason="asked by mail")
    assert await tables_with(settings.database_url, *traces) == set()

    assert stone["asked"] is True
    shown = await desk.task(task_id)
    assert (shown["state"], shown["data"], shown["metadata"]) == ("erased", {}, {})
    assert (shown["prediction"], shown["timeline"][-1]["kind"]) == (None, "erased")
    assert shown["timeline"][-1]["actor"] == "operator"
    # Who answered, and how often, is still counted.
    statistics = body_of(await desk.operator.get(desk.path("reviewers")))["reviewers"]
    assert [one["reviewer"] for one in statistics] == ["r1", "r2"]
    problem_of(
        await desk.use("r1", spoken, "verdict", {"label": "negative", "comment": SECRET}),
        409,
        "conflict",
    )


@pytest.mark.any_database
async def test_second_erasure_gets_the_answer_of_the_first(desk: Desk) -> None:
    await post_secret(desk)
    first = await erase(desk, "a", reason="once")
    desk.clock.advance(5)
    assert await erase(desk, "a", reason="twice") == first
    assert len((await desk.outcomes())["outcomes"]) == 1


async def test_erasures_at_once_are_one(desk: Desk) -> None:
    await post_secret(desk)
    stones = await asyncio.gather(*(erase(desk, name) for name in ("a", "b") * 4))
    assert len({orjson.dumps(stone) for stone in stones}) == 2
    assert len((await desk.outcomes())["outcomes"]) == 2


async def test_the_feed_tells_it_by_a_later_revision_and_forgets_the_earlier_content(
    desk: Desk,
) -> None:
    await desk.put_project(review={"overlap": 1})
    await post_secret(desk, lane="audit", prediction={"label": "positive"})
    await desk.answer("r1", "negative")
    before = await desk.outcomes()
    assert before["outcomes"][0]["data"] == DATA
    assert "erased" not in before["outcomes"][0]
    await erase(desk, "a")
    (news,) = (await desk.outcomes(before["cursor"]))["outcomes"]
    assert (news["revision"], news["erased"], news["data"]) == (2, True, {})
    # It stays the evidence that it was.
    kept = ("label", "source", "verdicts", "blind", "lane")
    assert [news[key] for key in kept] == [before["outcomes"][0][key] for key in kept]
    for row in (await desk.outcomes())["outcomes"]:
        assert row["erased"]
        assert (row["data"], row["metadata"], row["prediction"]) == ({}, {}, None)


@pytest.mark.any_database
async def test_who_holds_the_task_is_told_and_gets_the_next_one(desk: Desk) -> None:
    await post_secret(desk)
    # Tasks of one moment come in any order.
    desk.clock.advance(1)
    await desk.post(entry("b"))
    lease = await desk.lease_one("r1")
    assert lease["task"]["item_id"] == "a"
    await erase(desk, "a")
    late = await desk.use("r1", lease["token"], "verdict", {"label": "negative"})
    problem = problem_of(late, 409, "lease-expired")
    assert problem["state"] == "erased"
    assert set(problem["outcome"]) == {"label", "revision"}
    problem_of(await desk.use("r1", lease["token"], "renew"), 409, "lease-expired")
    assert (await desk.lease_one("r1"))["task"]["item_id"] == "b"
    desk.clock.advance(100_000)
    assert [one["task"]["item_id"] for one in await desk.lease("r2", count=10)] == ["b"]


@pytest.mark.any_database
async def test_an_answer_to_an_erased_task_is_not_taken_back(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 1})
    await post_secret(desk)
    lease = await desk.lease_one("r1")
    await desk.verdict("r1", lease["token"], "negative")
    await erase(desk, "a")
    problem_of(await desk.use("r1", lease["token"], "undo"), 409, "conflict")
    # The same verdict again is what it was, without the content.
    again = await desk.verdict("r1", lease["token"], "negative")
    assert again["outcome"] == {"label": "negative", "revision": 1}


@pytest.mark.parametrize("lane", ["mandatory", "audit", "relabel", "certification"])
async def test_the_item_never_comes_back(desk: Desk, lane: str) -> None:
    await post_secret(desk)
    await erase(desk, "a")
    again, other = await desk.post(
        {"item_id": "a", "data": DATA, "lane": lane}, entry("b", lane=lane)
    )
    assert (again["status"], again["detail"], again["state"]) == ("rejected", "erased", None)
    assert other["status"] == "created"
    file = lines({"item_id": "a", "data": DATA, "label": "negative"}, entry("c"))
    report = await take_in(desk, file)
    assert (report["created"], report["rejected"]) == (1, [{"line": 1, "detail": "erased"}])
    assert (await desk.task(str(again["task_id"])))["data"] == {}


@pytest.mark.any_database
async def test_nobody_acts_on_an_erased_task(desk: Desk) -> None:
    task_id = await post_secret(desk)
    await erase(desk, "a")
    task = desk.path(f"tasks/{task_id}")
    operator = desk.operator
    said = {"about": "item", "task_id": task_id, "text": "Hm."}
    refused: list[httpx.Response] = [
        await operator.post(f"{task}/reopen"),
        await operator.post(f"{task}/adjudicate", json={"label": "negative"}),
        await operator.post(f"{task}/verdicts", json={"reviewer": "r", "label": "negative"}),
        await operator.post(desk.path("feedback"), json=said),
        await operator.get(desk.path("outcomes/a")),
    ]
    for response in refused:
        assert problem_of(response, 410, "item-erased")["item_id"] == "a"


async def test_lists_tell_of_the_erased_and_exports_leave_them_out(desk: Desk) -> None:
    await post_secret(desk)
    await desk.post(entry("b"))
    await erase(desk, "a")
    listed = desk.path("tasks")
    for state, item_ids in {"erased": ["a"], "open": ["b"], "resolved": []}.items():
        tasks = body_of(await desk.operator.get(listed, params={"state": state}))["tasks"]
        assert [task["item_id"] for task in tasks] == item_ids
    assert [record["item_id"] for record in await records_of(desk)] == ["b"]
    query = {"item_ids": ["a", "b", "c"]}
    found = body_of(await desk.service.post(desk.path("outcomes"), json=query))
    assert [one["status"] for one in found["outcomes"]] == ["erased", "in_review"]
    waiting = body_of(await desk.operator.get(desk.path("queue")))
    assert waiting["open"] == 1
    body_of(await desk.operator.get(desk.path("timings")))


async def test_an_item_that_nobody_was_asked_about_is_told_of_and_never_asked(
    desk: Desk,
) -> None:
    stone = await erase(desk, "only/in the pool")
    assert (stone["asked"], stone["revision"]) == (False, 1)
    assert stone["task_id"] == task_id_for(desk.project, "only/in the pool")
    (news,) = (await desk.outcomes())["outcomes"]
    assert (news["item_id"], news["erased"], news["label"]) == ("only/in the pool", True, None)
    (receipt,) = await desk.post(entry("only/in the pool"))
    assert (receipt["status"], receipt["detail"]) == ("rejected", "erased")
    assert await desk.lease("r1", count=10) == []


@pytest.mark.any_database
async def test_only_operators_erase_and_only_items(desk: Desk) -> None:
    for role in ("reviewer", "service", "caller"):
        problem_of(await desk.of(role).delete(desk.path("items/a")), 403, "forbidden")
    operator = desk.operator
    problem_of(await operator.delete("/v1/projects/none/items/a"), 404, "not-found")
    problem_of(await operator.delete(desk.path(f"items/{'a' * 201}")), 422, "unprocessable")
    for item_id in ("a%00", "a%0Ab"):
        problem_of(await operator.delete(desk.path(f"items/{item_id}")), 422, "unprocessable")
    long = await operator.delete(desk.path("items/a"), params={"reason": "x" * 1001})
    problem_of(long, 422, "unprocessable")
    assert (await desk.outcomes())["outcomes"] == []


@pytest.mark.own_desk
async def test_erasure_and_verdicts_at_once_leave_no_content(
    desk: Desk, settings: ReviewQueueSettings
) -> None:
    await desk.put_project(review={"overlap": 3, "max_overlap": 3})
    for round_ in range(5):
        item_id = f"item-{round_}"
        await desk.post({"item_id": item_id, "data": DATA})
        lease = await desk.lease_one("r1")
        verdict = {"label": "negative", "comment": SECRET}
        said = {"about": "item", "task_id": lease["task"]["task_id"], "text": SECRET}
        results = await asyncio.gather(
            desk.use("r1", lease["token"], "verdict", verdict),
            desk.reviewer("r2").post(desk.path("feedback"), json=said),
            desk.post({"item_id": item_id, "data": DATA, "lane": "audit"}),
            erase(desk, item_id),
            return_exceptions=True,
        )
        assert not [one for one in results if isinstance(one, Exception)]
        assert await tables_with(settings.database_url, SECRET) == set()
        assert await desk.lease("r3", count=10) == []
