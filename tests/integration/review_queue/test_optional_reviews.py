"""Items that a router sent for an optional review: what a reviewer gets first, and how they end."""

import asyncio
from datetime import timedelta

import numpy as np
import pytest

from shared.contracts.base import rfc3339
from shared.contracts.projects import Project
from shared.contracts.versions import PromiseEntry
from shared.settings import CommonSettings
from shared.store import Store, promise_path
from tests.harness import wait_until
from tests.harness.cases import further
from tests.harness.desk import Desk, Json, body_of, entry
from tests.harness.model_publisher import Publisher, entry_of

pytestmark = pytest.mark.own_desk

SECONDS = 1200
SURE, BARELY, BELOW = (float(np.float32(one)) for one in (0.97, 0.9, 0.8999))


def optional(desk: Desk, item_id: str, confidence: float = SURE) -> Json:
    """A task as a router sends it for an optional review."""
    said = {
        "label": "positive",
        "confidence": confidence,
        "probabilities": {"negative": 1 - confidence, "positive": confidence},
        "model_version": "v1",
        "propensity": 0.05,
        "reason": "optional_review",
    }
    due_at = rfc3339(desk.clock() + timedelta(seconds=SECONDS))
    return entry(item_id, lane="optional", due_at=due_at, prediction=said)


async def publish(desk: Desk, common: CommonSettings, **changes: object) -> Publisher:
    """Certify version v1 of the project at 0.9; `changes` go into the entry."""
    project = Project.model_validate(await desk.put_project())
    publisher = Publisher(Store(common.store_address), project)

    def entry_for(digest: str) -> PromiseEntry:
        return entry_of(project, digest, now=desk.clock()).model_copy(update=changes)

    await publisher.publish("v1", entry=entry_for)
    return publisher


async def ended(desk: Desk, receipt: Json) -> Json:
    """Wait until the task has ended, resolved or mandatory; return it."""

    async def found() -> Json | None:
        task = await desk.task(receipt["task_id"])
        return task if task["state"] == "resolved" or task["lane"] == "mandatory" else None

    task = await wait_until(found)
    assert task is not None
    return task


async def test_item_that_no_reviewer_answers_gets_the_models_answer(
    desk: Desk, common: CommonSettings
) -> None:
    await publish(desk, common)
    (receipt,) = await desk.post(optional(desk, "a", BARELY))
    url = desk.path("outcomes/a")
    waiting = asyncio.create_task(desk.service.get(url, params={"wait_seconds": 20}))
    desk.clock.advance(SECONDS)
    told = body_of(await waiting)
    assert (told["status"], told["label"], told["source"]) == ("resolved", "positive", "model")
    (outcome,) = (await desk.outcomes())["outcomes"]
    assert (outcome["label"], outcome["source"], outcome["verdicts"]) == ("positive", "model", 0)
    assert (outcome["lane"], outcome["revision"]) == ("optional", 1)
    task = await desk.task(receipt["task_id"])
    assert task["timeline"][-1]["detail"]["source"] == "model"


@pytest.mark.any_database
async def test_reviewers_answer_counts_and_ends_the_wait(
    desk: Desk, common: CommonSettings
) -> None:
    await publish(desk, common)
    await desk.post(optional(desk, "a"))
    await desk.answer("r1", "negative")
    outcome = await desk.newest("a")
    assert (outcome["label"], outcome["source"]) == ("negative", "human")


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"state": "suspended"}, "promise_suspended"),
        ({"threshold": 0.98}, "below_threshold"),
        *further(
            ({"state": "uncertified"}, "uncertified"),
            ({"watched_until": None}, "promise_expired"),
            ({"threshold": 0.5}, "uncertified"),
        ),
    ],
)
@pytest.mark.any_database
async def test_item_becomes_mandatory_if_the_promise_no_longer_holds(
    desk: Desk, common: CommonSettings, changes: Json, cause: str
) -> None:
    publisher = await publish(desk, common)
    (receipt,) = await desk.post(optional(desk, "a"))
    entry_now = publisher.entries["v1"].model_copy(update=changes)
    await publisher.put_promise(v1=entry_now)
    desk.clock.advance(SECONDS)
    task = await ended(desk, receipt)
    assert (task["state"], task["lane"], task["label"]) == ("open", "mandatory", None)
    assert task["due_at"] == rfc3339(desk.clock() + timedelta(hours=1))
    assert task["timeline"][-1]["detail"] == {
        "from": "optional",
        "to": "mandatory",
        "cause": cause,
    }
    assert (await desk.outcomes())["outcomes"] == []
    progress = await desk.answer("r1", "negative")
    assert progress["outcome"] == {"label": "negative", "revision": 1}


@pytest.mark.any_database
async def test_only_a_certified_prediction_becomes_the_answer(
    desk: Desk, common: CommonSettings
) -> None:
    await publish(desk, common)
    uncertified: list[Json] = [
        {"confidence": BELOW},
        {"confidence": None},
        {"model_version": "v2"},
        {"model_version": None},
        {"label": None},
    ]
    entries = [optional(desk, f"item-{number}") for number in range(len(uncertified))]
    for sent, changes in zip(entries, uncertified, strict=True):
        sent["prediction"] |= changes
    receipts = await desk.post(*entries)
    desk.clock.advance(SECONDS)
    for receipt, changes in zip(receipts, uncertified, strict=True):
        task = await ended(desk, receipt)
        assert (task["state"], task["lane"]) == ("open", "mandatory"), changes


@pytest.mark.any_database
async def test_an_edited_project_and_an_unreadable_or_older_promise_certify_nothing(
    desk: Desk, common: CommonSettings
) -> None:
    publisher = await publish(desk, common)
    store = Store(common.store_address)
    old = await store.read(promise_path(desk.project))
    assert old is not None
    await publisher.put_promise()
    (answered,) = await desk.post(optional(desk, "answered"))
    desk.clock.advance(SECONDS)
    assert (await ended(desk, answered))["source"] == "model"
    for document in (old, b"{"):
        await store.write(promise_path(desk.project), document)
        (receipt,) = await desk.post(optional(desk, f"item-{len(document)}"))
        desk.clock.advance(SECONDS)
        task = await ended(desk, receipt)
        assert (task["state"], task["lane"]) == ("open", "mandatory")
    await publisher.put_promise()
    (receipt,) = await desk.post(optional(desk, "edited"))
    await desk.put_project(instructions="Read half of the review.")
    desk.clock.advance(SECONDS)
    task = await ended(desk, receipt)
    assert (task["state"], task["lane"]) == ("open", "mandatory")


@pytest.mark.any_database
async def test_opinion_against_the_model_is_not_overruled_by_it(
    desk: Desk, common: CommonSettings
) -> None:
    review = {"overlap": 2, "max_overlap": 3}
    project = Project.model_validate(await desk.put_project(review=review))
    publisher = Publisher(Store(common.store_address), project)
    await publisher.publish("v1", entry=lambda digest: entry_of(project, digest, now=desk.clock()))
    receipts = await desk.post(optional(desk, "against", 0.91), optional(desk, "with", 0.95))
    await desk.answer("r1", "negative")
    await desk.answer("r1", "positive")
    desk.clock.advance(SECONDS)
    against = await ended(desk, receipts[0])
    assert (against["state"], against["lane"]) == ("open", "mandatory")
    agreeing = await ended(desk, receipts[1])
    assert (agreeing["label"], agreeing["source"]) == ("positive", "model")


@pytest.mark.any_database
async def test_opinion_whose_label_the_project_no_longer_has_does_not_count(
    desk: Desk, common: CommonSettings
) -> None:
    review = {"overlap": 2, "max_overlap": 3}
    await desk.put_project(review=review, labels=["negative", "positive", "mixed"])
    (receipt,) = await desk.post(optional(desk, "a"))
    await desk.answer("r1", "mixed")
    edited = await desk.put_project(review=review, allow_label_removal=True)
    project = Project.model_validate(edited)
    publisher = Publisher(Store(common.store_address), project)
    await publisher.publish("v1", entry=lambda digest: entry_of(project, digest, now=desk.clock()))
    desk.clock.advance(SECONDS)
    task = await ended(desk, receipt)
    assert (task["label"], task["source"]) == ("positive", "model")


@pytest.mark.any_database
async def test_item_that_reviewers_skip_gets_the_models_answer(
    desk: Desk, common: CommonSettings
) -> None:
    await publish(desk, common)
    (receipt,) = await desk.post(optional(desk, "a"))
    for reviewer in ("r1", "r2", "r3"):
        lease = await desk.lease_one(reviewer)
        await desk.use(reviewer, lease["token"], "skip", {"reason": "unclear"})
    desk.clock.advance(SECONDS)
    task = await ended(desk, receipt)
    assert (task["label"], task["source"]) == ("positive", "model")


async def test_optional_tasks_come_after_mandatory_ones_and_evidence_the_best_saving_first(
    desk: Desk,
) -> None:
    await desk.put_project()
    await desk.post(
        *(optional(desk, f"optional-{n}", 0.9 + n / 100) for n in (3, 1, 2)),
        *(entry(f"pool-{n}", lane="pool") for n in range(3)),
        *(entry(f"audit-{n}", lane="audit") for n in range(3)),
        *(entry(f"mandatory-{n}") for n in range(20)),
    )
    order = []
    for _ in range(29):
        lease = await desk.lease_one("r1")
        order.append(lease["task"]["item_id"])
        await desk.verdict("r1", lease["token"], "positive")
    before = [i for i, one in enumerate(order) if one.startswith(("mandatory", "audit"))]
    optional_ones = [one for one in order if one.startswith("optional")]
    assert optional_ones == ["optional-1", "optional-2", "optional-3"]
    assert max(before) < order.index("optional-1")


@pytest.mark.any_database
async def test_models_answer_stands_until_people_are_needed(
    desk: Desk, common: CommonSettings
) -> None:
    await publish(desk, common)
    sent = optional(desk, "a")
    (receipt,) = await desk.post(sent)
    desk.clock.advance(SECONDS)
    await ended(desk, receipt)
    for again in (sent, optional(desk, "a")):
        (known,) = await desk.post(again)
        assert (known["state"], known["label"], known["source"]) == (
            "resolved",
            "positive",
            "model",
        )
    (needed,) = await desk.post(entry("a"))
    assert (needed["state"], needed["label"]) == ("open", None)
    task = await desk.task(receipt["task_id"])
    assert (task["lane"], task["revision"]) == ("mandatory", 2)
    await desk.answer("r1", "negative")
    outcome = await desk.newest("a")
    assert (outcome["label"], outcome["source"], outcome["revision"]) == ("negative", "human", 3)


@pytest.mark.any_database
async def test_waiting_item_that_people_must_answer_becomes_mandatory(
    desk: Desk, common: CommonSettings
) -> None:
    await publish(desk, common)
    (receipt,) = await desk.post(optional(desk, "a"))
    await desk.post(entry("a"))
    task = await desk.task(receipt["task_id"])
    assert (task["lane"], task["state"]) == ("mandatory", "open")
    assert task["due_at"] == rfc3339(desk.clock() + timedelta(hours=1))
    desk.clock.advance(2 * SECONDS)
    assert (await desk.lease_one("r1"))["task"]["item_id"] == "a"


@pytest.mark.any_database
async def test_models_answers_measure_nobody(desk: Desk, common: CommonSettings) -> None:
    await publish(desk, common)
    receipts = await desk.post(*(optional(desk, f"item-{n}") for n in range(3)))
    desk.clock.advance(SECONDS)
    for receipt in receipts:
        await ended(desk, receipt)
    queue = body_of(await desk.operator.get(desk.path("queue")))
    assert (queue["resolution_rate"], queue["open"]) == (0, 0)
    agreement = body_of(await desk.operator.get(desk.path("agreement")))
    assert agreement["model_versions"] == []
    assert body_of(await desk.operator.get(desk.path("suspects")))["suspects"] == []
    assert body_of(await desk.operator.get(desk.path("timings")))["items"] == 0
    exported = (await desk.operator.get(desk.path("export"))).text.splitlines()
    assert len(exported) == 3
    assert all('"source":"model"' in line for line in exported)
