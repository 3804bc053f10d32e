"""Predictions of items in every form, and the answers of people to them."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pandas
import pytest

from surehand import AsyncSurehand, ItemConflict, NotFound, WaitTimeout
from tests.e2e.client.conftest import Installation


@pytest.fixture
async def reviewer(installation: Installation) -> AsyncIterator[AsyncSurehand]:
    async with installation.client("reviewer", "rita") as opened:
        yield opened


async def answer(reviewer: AsyncSurehand, project: str, number: int) -> None:
    """Answer `number` tasks: positive, if the text says good."""
    async with reviewer.review(project, wait_seconds=None) as tasks:
        async for task in tasks:
            await task.answer("positive" if "good" in task.data["text"] else "negative")
            number -= 1
            if not number:
                return


async def test_a_single_service_is_no_gateway_and_the_refusal_says_so(
    installation: Installation,
) -> None:
    router, queue, _ = installation.addresses
    token = installation.token("operator", "olga")
    async with AsyncSurehand(router, token=token) as client:
        with pytest.raises(NotFound, match=r"Surehand\(router=…, review_queue=…, trainer=…\)"):
            await client.predict("shop", [{"data": {"text": "x"}}])
        with pytest.raises(NotFound, match="`/trainer` is a prefix of a gateway"):
            await client.promise.get("shop")
    async with AsyncSurehand(router=queue, token=token) as client:
        with pytest.raises(NotFound, match="the router, port 8000"):
            await client.predict("shop", [{"data": {"text": "x"}}])


async def test_items_come_in_any_form_and_predictions_in_their_order(
    client: AsyncSurehand, project: str
) -> None:
    table = pandas.DataFrame({"item_id": [17, 18], "text": ["c", "d"], "channel": ["web", None]})
    whole = {"item_id": "w", "data": {"text": "b"}, "metadata": {"channel": "web"}}
    for items, expected in (
        (["a", "b"], None),
        ([whole], ["w"]),
        (({"item_id": f"g{i}", "text": "x"} for i in range(3)), ["g0", "g1", "g2"]),
        (table, ["17", "18"]),
        ([], []),
    ):
        predictions = await client.predict(project, items)
        ids = [one.item_id for one in predictions]
        if expected is None:
            assert [uuid.UUID(one).version for one in ids] == [7, 7]
        else:
            assert ids == expected
        assert all(one.decision == "in_review" and one.task_id for one in predictions)
    row = await client.tasks.get(project, (await client.predict(project, table))[0].task_id or "")
    assert (row.data, row.metadata) == ({"text": "c"}, {"channel": "web"})


async def test_many_items_are_sent_in_several_calls(client: AsyncSurehand, project: str) -> None:
    items = ({"item_id": f"i{i}", "text": f"text {i}"} for i in range(1_203))
    stream = client.predict_each(project, items, review="never", concurrency=3)
    assert [one.item_id async for one in stream] == [f"i{i}" for i in range(1_203)]


async def test_resolve_waits_for_people_and_keeps_the_order(
    client: AsyncSurehand, reviewer: AsyncSurehand, project: str
) -> None:
    items = {"a": "good", "b": "bad", "c": "good too"}
    rows = [{"item_id": key, "text": text} for key, text in items.items()]
    async with asyncio.TaskGroup() as group:
        group.create_task(answer(reviewer, project, 3))
        answers = await client.resolve(project, rows, timeout=300)
    assert [(one.item_id, one.label, one.source) for one in answers] == [
        ("a", "positive", "human"),
        ("b", "negative", "human"),
        ("c", "positive", "human"),
    ]
    assert answers[0].prediction.reason == "no_model"
    again = await client.resolve(project, rows, timeout=300)
    assert [one.label for one in again] == [one.label for one in answers]


async def test_answers_come_as_people_give_them(
    client: AsyncSurehand, reviewer: AsyncSurehand, project: str
) -> None:
    found = []
    with pytest.raises(WaitTimeout) as caught:  # noqa: PT012
        async for one in client.as_completed(project, ["good", "bad"], timeout=1):
            found.append(one)  # noqa: PERF401
        raise AssertionError
    assert found == []
    assert len(caught.value.item_ids) == 2
    await answer(reviewer, project, 1)
    rows = [
        {"item_id": key, "text": text}
        for key, text in zip(caught.value.item_ids, ["good", "bad"], strict=True)
    ]
    stream = client.as_completed(project, rows, timeout=300)
    first = await anext(aiter(stream))
    await answer(reviewer, project, 1)
    second = await anext(aiter(stream))
    assert {first.label, second.label} == {"positive", "negative"}


async def test_an_item_that_nobody_can_answer_has_no_label(
    client: AsyncSurehand, installation: Installation, project: str
) -> None:
    async def skip(name: str) -> None:
        async with installation.client("reviewer", name) as reviewer:
            task = await anext(aiter(reviewer.review(project, wait_seconds=None)))
            await task.skip("unclear")

    async with asyncio.TaskGroup() as group:
        group.create_task(skip("r1"))
        group.create_task(skip("r2"))
        (one,) = await client.resolve(project, ["?"], timeout=300)
    assert (one.label, one.source) == (None, "human")


async def test_other_data_under_a_known_id_is_a_conflict(
    client: AsyncSurehand, project: str
) -> None:
    await client.predict(project, [{"item_id": "a", "text": "x"}])
    with pytest.raises(ItemConflict) as caught:
        await client.predict(project, [{"item_id": "a", "text": "y"}])
    assert caught.value.errors[0]["pointer"] == "/items/0"
    with pytest.raises(NotFound):
        await client.predict("no-such", [{"data": {"text": "x"}}])


async def test_the_client_for_threads_does_the_same(
    installation: Installation, reviewer: AsyncSurehand, project: str
) -> None:
    def app() -> list[str | None]:
        with installation.threaded_client("operator", "otto") as client:
            assert [one.decision for one in client.predict(project, ["good"])] == ["in_review"]
            many = [{"item_id": f"i{i}", "text": "x"} for i in range(1_001)]
            predictions = client.predict(project, many, review="never")
            assert [one.item_id for one in predictions] == [item["item_id"] for item in many]
            return [one.label for one in client.resolve(project, ["good", "bad"], timeout=300)]

    async with asyncio.TaskGroup() as group:
        group.create_task(answer(reviewer, project, 3))
        labels = await asyncio.to_thread(app)
    assert labels == ["positive", "negative"]
