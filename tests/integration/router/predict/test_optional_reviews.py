"""Certified items that wait for an optional review, while reviewers are free."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import Response

from shared.contracts.capacity import CapacitySettings
from tests.harness import wait_until
from tests.harness.model_publisher import SURE, UNSURE, Publisher, project_of
from tests.harness.people import SPEC, People
from tests.harness.scripted_queue import ScriptedQueue
from tests.integration.router.conftest import OpenRouter, ServedRouter

# A sure item is wrong with probability 0.0067: a review saves 6.7 and costs 1.
CAPACITY = CapacitySettings(price_review=1, price_error=1000)
FAR = 60.0


@pytest.fixture
async def served(
    open_router: OpenRouter, publisher: Publisher, queue: ScriptedQueue, queue_url: str
) -> AsyncIterator[ServedRouter]:
    """A router of a project with prices, and a queue whose reviewers are free."""
    await publisher.put_project(project_of(capacity=CAPACITY))
    await publisher.publish("v1")
    queue.optional_delay = 0.0
    async with open_router(queue_url) as opened:
        yield opened


def task_of(queue: ScriptedQueue) -> dict[str, Any]:
    ((_, (task,)),) = queue.batches
    return task


async def test_certified_item_waits_for_free_reviewers(
    served: ServedRouter, queue: ScriptedQueue
) -> None:
    prediction = await served.one(SURE)
    assert (prediction["decision"], prediction["reason"]) == ("in_review", "optional_review")
    assert (prediction["label"], prediction["suggestion"]) == (None, "positive")
    # The audit rate: it is eligible, and was not drawn.
    assert (prediction["audited"], prediction["propensity"]) == (False, 0.0)
    task = task_of(queue)
    assert (task["lane"], task["due_at"]) == ("optional", prediction["due_at"])
    assert task["prediction"]["reason"] == "optional_review"
    assert task["prediction"]["label"] == "positive"
    assert prediction["due_at"] > prediction["decided_at"]


@pytest.mark.parametrize("delay", [None, CAPACITY.optional_wait_seconds])
async def test_certified_item_is_answered_at_once_where_no_reviewer_is_free(
    served: ServedRouter, queue: ScriptedQueue, delay: float | None
) -> None:
    queue.optional_delay = delay
    prediction = await served.one(SURE)
    assert (prediction["decision"], prediction["reason"]) == ("answered", "confident")
    assert "due_at" not in prediction
    assert queue.batches == []


@pytest.mark.parametrize(
    "capacity",
    [
        CapacitySettings(),
        CapacitySettings(price_error=1000),
        CapacitySettings(price_review=7, price_error=1000),
    ],
)
async def test_certified_item_is_answered_at_once_where_a_review_saves_nothing(
    served: ServedRouter, publisher: Publisher, capacity: CapacitySettings
) -> None:
    await publisher.put_project(project_of(capacity=capacity, revision=2))
    await served.project_revision(2)
    assert (await served.one(SURE))["reason"] == "confident"


async def test_other_items_go_the_ways_they_went(
    served: ServedRouter, publisher: Publisher
) -> None:
    assert (await served.one(UNSURE))["reason"] == "below_threshold"
    assert (await served.one(SURE, review="always"))["reason"] == "forced"
    assert (await served.one(SURE, review="never"))["reason"] == "confident"
    entry = publisher.entries["v1"].model_copy(update={"state": "suspended"})
    await publisher.put_promise(v1=entry)
    await served.serving_revision(publisher.revision)
    assert (await served.one(SURE))["reason"] == "promise_suspended"


async def test_audits_are_drawn_before_optional_reviews(
    served: ServedRouter, publisher: Publisher
) -> None:
    publisher.audit_rate = 0.5
    await publisher.put_promise()
    await served.serving_revision(publisher.revision)
    predictions = [await served.one(SURE, f"item-{n}") for n in range(40)]
    audited = [one for one in predictions if one["audited"]]
    waiting = [one for one in predictions if one["reason"] == "optional_review"]
    assert {one["decision"] for one in audited} == {"answered"}
    assert len(audited) + len(waiting) == len(predictions)
    assert audited
    assert {one["propensity"] for one in predictions} == {0.5}


@pytest.mark.parametrize(
    "receipt",
    [
        {"status": "existing", "state": "open"},
        {"status": "existing", "state": "resolved", "label": None, "source": "human"},
        {"status": "existing", "state": "resolved", "label": None, "source": "expiry"},
        {"status": "existing", "state": "resolved", "label": "negative", "source": "model"},
        {"status": "conflict", "state": "open"},
        {"status": "rejected", "state": None},
    ],
)
async def test_item_that_no_optional_task_is_made_for_is_answered_at_once(
    served: ServedRouter, queue: ScriptedQueue, receipt: dict[str, Any]
) -> None:
    queue.status["a"] = receipt
    prediction = await served.one(SURE)
    assert (prediction["decision"], prediction["reason"]) == ("answered", "confident")
    assert prediction["label"] == "positive"


async def test_refused_optional_tasks_refuse_no_call(
    served: ServedRouter, queue: ScriptedQueue
) -> None:
    queue.script = lambda project, tasks: Response(
        b'{"detail":"no"}', status_code=422, media_type="application/problem+json"
    )
    assert (await served.one(SURE))["reason"] == "confident"


async def test_models_earlier_answer_is_none_for_an_item_that_is_not_certified(
    served: ServedRouter, queue: ScriptedQueue
) -> None:
    queue.status["a"] = {
        "status": "existing", "state": "resolved", "label": "positive", "source": "model"
    }  # fmt: skip
    prediction = await served.one(UNSURE)
    assert (prediction["decision"], prediction["label"]) == ("in_review", None)


@pytest.fixture
async def staffed(
    open_router: OpenRouter, publisher: Publisher, people: People
) -> AsyncIterator[ServedRouter]:
    """A router and a real review queue, where one reviewer has just been at work."""
    await publisher.publish("v1")
    await state_capacity(people, publisher, optional_wait_seconds=1)
    async with open_router(people.url) as opened:
        await opened.one(UNSURE, "first")
        await people.review("negative")
        yield opened


async def state_capacity(people: People, publisher: Publisher, **changes: Any) -> None:
    spec = publisher.project.model_dump(mode="json", include=SPEC)
    capacity = CAPACITY.model_copy(update=changes).model_dump(mode="json")
    stated = await people.operator.put("/v1/projects/shop", json=spec | {"capacity": capacity})
    assert stated.status_code == 200, stated.text


async def offered(served: ServedRouter, **body: Any) -> tuple[str, dict[str, Any]]:
    """Send items until one was offered to people: on a busy machine a forecast may come late."""
    numbers = itertools.count()

    async def found() -> tuple[str, dict[str, Any]] | None:
        item_id = f"a{next(numbers)}"
        prediction = await served.one(SURE, item_id, **body)
        return (item_id, prediction) if prediction["task_id"] is not None else None

    waiting: tuple[str, dict[str, Any]] | None = await wait_until(found)
    assert waiting is not None
    return waiting


async def test_call_that_waits_gets_the_models_answer_at_the_end(staffed: ServedRouter) -> None:
    item_id, prediction = await offered(staffed, wait_seconds=FAR)
    assert (prediction["decision"], prediction["reason"]) == ("answered", "confident")
    assert prediction["label"] == "positive"
    outcome = await staffed.outcome(item_id)
    found = (outcome["status"], outcome["label"], outcome["source"])
    assert found == ("resolved", "positive", "model")
    # Sent again, it is scored anew and does not wait once more.
    assert (await staffed.one(SURE, item_id))["reason"] == "confident"


async def test_reviewers_answer_reaches_the_caller(
    staffed: ServedRouter, people: People, publisher: Publisher
) -> None:
    await state_capacity(people, publisher, optional_wait_seconds=86_400)
    await staffed.project_revision(3)
    item_id, prediction = await offered(staffed)
    assert prediction["reason"] == "optional_review"
    await people.review("negative")
    outcome = await staffed.outcome(item_id, wait_seconds=FAR)
    assert (outcome["label"], outcome["source"]) == ("negative", "human")
