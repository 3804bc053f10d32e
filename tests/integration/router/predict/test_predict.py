"""Predict over HTTP: what is answered, what goes to people, and under which promise."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.base import task_id_for, utc_now
from shared.contracts.decisions import PredictResponse
from shared.contracts.projects import Rewording, StoredPromiseSettings
from shared.contracts.tasks import NewTask
from shared.contracts.versions import PromiseEntry
from shared.fields.json import JsonField
from shared.fields.number import NumberField
from shared.fields.text import TextField
from tests.harness import wait_until
from tests.harness.model_publisher import (
    SURE,
    TEXT_INPUT,
    UNSURE,
    Publisher,
    entry_of,
    project_of,
    text_graph,
)
from tests.integration.router.conftest import OpenRouter, ServedRouter
from tests.integration.router.decision_log.test_decision_log import rows


async def test_the_answer_is_what_the_contract_says(served: ServedRouter) -> None:
    sure = {"item_id": "sure", "data": {"score": SURE}, "metadata": {"channel": "web"}}
    response = await served.predict(sure, {"data": {"score": UNSURE}})
    parsed = PredictResponse.model_validate_json(response.content)
    answered, asked = parsed.predictions
    assert (answered.decision, answered.reason, answered.label) == (
        "answered",
        "confident",
        "positive",
    )
    assert answered.task_id is None
    assert (asked.decision, asked.reason, asked.label) == ("in_review", "below_threshold", None)
    assert asked.suggestion == "positive"
    assert asked.task_id == task_id_for("shop", asked.item_id)
    assert (parsed.promise.state, parsed.promise.target_accuracy) == ("certified", 0.9)
    assert parsed.promise.threshold == pytest.approx(0.9)
    assert served.queue.item_ids == [asked.item_id]


async def test_the_task_carries_what_the_router_knew(served: ServedRouter) -> None:
    await served.predict(
        {"item_id": "a/ä", "data": {"score": UNSURE}, "metadata": {"channel": "web"}}
    )
    ((project, (task,)),) = served.queue.batches
    known = NewTask.model_validate(task, strict=False)
    assert (project, known.item_id, known.lane) == ("shop", "a/ä", "mandatory")
    assert (known.data, known.metadata) == ({"score": UNSURE}, {"channel": "web"})
    assert known.prediction is not None
    assert (known.prediction.label, known.prediction.model_version) == ("positive", "v1")
    assert (known.prediction.reason, known.prediction.propensity) == ("below_threshold", 1.0)


async def test_a_string_model_scores_text(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    project = project_of(fields={"text": TextField(), "note": JsonField()})
    await publisher.put_project(project)
    await publisher.publish("v1", text_graph(), inputs=[TEXT_INPUT])
    async with open_router(queue_url) as served:
        items = [{"data": {"text": text, "note": [1]}} for text in ("good", "bad", "so-so")]
        predictions = (await served.predict(*items)).json()["predictions"]
    assert [one["label"] for one in predictions] == ["positive", "negative", None]


async def test_a_thousand_items_are_answered_in_their_order(served: ServedRouter) -> None:
    items = [{"item_id": str(n), "data": {"score": SURE if n % 2 else UNSURE}} for n in range(1000)]
    predictions = (await served.predict(*items)).json()["predictions"]
    assert [one["item_id"] for one in predictions] == [str(n) for n in range(1000)]
    assert [one["decision"] for one in predictions] == ["in_review", "answered"] * 500
    assert served.queue.item_ids == [str(n) for n in range(0, 1000, 2)]


async def test_every_audited_answer_has_a_task(served: ServedRouter) -> None:
    served.publisher.audit_rate = 0.3
    await served.publisher.put_promise()
    await served.serving_revision(served.publisher.revision)
    items = [{"item_id": f"i{n}", "data": {"score": SURE}} for n in range(200)]
    predictions = (await served.predict(*items)).json()["predictions"]
    audited = [one for one in predictions if one["audited"]]
    assert 20 < len(audited) < 120
    assert {one["decision"] for one in predictions} == {"answered"}
    assert {one["propensity"] for one in predictions} == {0.3}
    await wait_until(lambda: len(served.queue.item_ids) == len(audited))
    assert served.queue.item_ids == [one["item_id"] for one in audited]
    assert {task["lane"] for _, tasks in served.queue.batches for task in tasks} == {"audit"}
    again = (await served.predict(*items)).json()["predictions"]
    assert [one["audited"] for one in again] == [one["audited"] for one in predictions]


async def test_another_day_draws_other_answers_and_the_log_names_it(served: ServedRouter) -> None:
    items = [{"item_id": f"i{n}", "data": {"score": SURE}} for n in range(40)]
    served.publisher.audit_rate = 0.5
    drawn: dict[str, list[bool]] = {}
    for day in ("2026-11-28", "2026-11-29"):
        served.publisher.audit_day = day
        await served.publisher.put_promise()
        await served.serving_revision(served.publisher.revision)
        predictions = (await served.predict(*items)).json()["predictions"]
        drawn[day] = [one["audited"] for one in predictions]
    assert drawn["2026-11-28"] != drawn["2026-11-29"]

    async def logged() -> bool:
        found = await rows(served.publisher.store)
        by_day = {
            day: [row["audited"] for row in found if row["audit_day"] == day] for day in drawn
        }
        return by_day == drawn

    await wait_until(logged)


async def test_a_warned_version_answers_and_is_audited_at_a_rate_of_its_own(
    served: ServedRouter,
) -> None:
    served.publisher.audit_rate = 0.01
    warned = served.publisher.entries["v1"].model_copy(update={"state": "warn", "audit_rate": 1.0})
    await served.publisher.put_promise(v1=warned)
    await served.serving_revision(served.publisher.revision)
    one = await served.one(SURE, "a")
    assert (one["decision"], one["audited"], one["propensity"]) == ("answered", True, 1.0)


async def test_review_modes(served: ServedRouter) -> None:
    forced = await served.one(SURE, "a", review="always")
    assert (forced["decision"], forced["reason"]) == ("in_review", "forced")
    assert (forced["label"], forced["suggestion"]) == (None, "positive")
    declined = await served.one(UNSURE, "b", review="never")
    assert (declined["decision"], declined["reason"]) == ("declined", "below_threshold")
    assert (declined["label"], declined["task_id"]) == (None, None)
    assert (await served.one(SURE, "c", review="never"))["decision"] == "answered"
    assert served.queue.item_ids == ["a"]


async def test_an_item_that_people_resolved_gets_their_label(served: ServedRouter) -> None:
    served.queue.status["a"] = {"status": "existing", "state": "resolved", "label": "negative"}
    known = await served.one(UNSURE, "a")
    assert (known["decision"], known["reason"], known["label"]) == ("answered", "human", "negative")
    assert known["task_id"] == task_id_for("shop", "a")
    # Eligible: scored anew, and people are not asked.
    assert (await served.one(SURE, "a"))["reason"] == "confident"


async def test_a_resolved_item_that_nobody_could_label_stays_in_review(
    served: ServedRouter,
) -> None:
    served.queue.status["a"] = {"status": "existing", "state": "resolved", "label": None}
    assert (await served.one(UNSURE, "a"))["decision"] == "in_review"


async def test_a_conflict_names_its_items(served: ServedRouter) -> None:
    served.queue.status["b"] = {"status": "conflict"}
    items = [{"item_id": name, "data": {"score": UNSURE}} for name in "abc"]
    response = await served.predict(*items)
    assert response.status_code == 409
    assert [error["pointer"] for error in response.json()["errors"]] == ["/items/1"]


async def test_a_rejected_task_is_a_fault_of_its_item(served: ServedRouter) -> None:
    served.queue.status["b"] = {"status": "rejected", "detail": "too odd"}
    items = [{"item_id": name, "data": {"score": UNSURE}} for name in "ab"]
    response = await served.predict(*items)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"pointer": "/items/1", "detail": "too odd"}]


Change = Callable[[Publisher, PromiseEntry], PromiseEntry | None]


@pytest.mark.parametrize(
    ("change", "reason", "state"),
    [
        (lambda p, e: None, "uncertified", "uncertified"),
        (
            lambda p, e: e.model_copy(update={"state": "suspended"}),
            "promise_suspended",
            "suspended",
        ),
        (
            lambda p, e: e.model_copy(update={"state": "recertifying"}),
            "promise_suspended",
            "recertifying",
        ),
        (lambda p, e: e.model_copy(update={"watched_until": None}), "promise_expired", "expired"),
        (
            lambda p, e: entry_of(p.project, "0" * 64),
            "uncertified",
            "uncertified",
        ),
    ],
)
async def test_a_promise_that_does_not_hold_answers_nothing(
    open_router: OpenRouter,
    publisher: Publisher,
    queue_url: str,
    change: Change,
    reason: str,
    state: str,
) -> None:
    await publisher.put_project()
    await publisher.publish(
        "v1", entry=lambda digest: change(publisher, entry_of(publisher.project, digest))
    )
    async with open_router(queue_url) as served:
        response = await served.predict({"item_id": "a", "data": {"score": SURE}})
        (prediction,) = response.json()["predictions"]
        assert (prediction["decision"], prediction["reason"]) == ("in_review", reason)
        assert (prediction["label"], prediction["suggestion"]) == (None, "positive")
        assert response.json()["promise"]["state"] == state
        assert response.json()["promise"]["threshold"] is None
        assert served.queue.item_ids == ["a"]


@pytest.mark.parametrize("ahead", [timedelta(hours=7), timedelta(days=31)])
async def test_the_routers_own_clock_ends_the_promise(
    served: ServedRouter, ahead: timedelta
) -> None:
    assert (await served.one(SURE, "a"))["decision"] == "answered"
    served.clock.ahead = ahead
    late = await served.one(SURE, "b")
    assert (late["decision"], late["reason"]) == ("in_review", "promise_expired")


@pytest.mark.parametrize(
    "change",
    [
        {"instructions": "Read it twice."},
        {"promise": StoredPromiseSettings(target_accuracy=0.99, confidence=0.95)},
        {"fields": {"score": NumberField(), "more": JsonField()}},
    ],
)
async def test_a_project_that_changes_loses_its_certificate(
    served: ServedRouter, change: dict[str, Any]
) -> None:
    await served.publisher.put_project(project_of(revision=2, **change))
    await served.project_revision(2)
    data: dict[str, Any] = {"score": SURE} | ({"more": 1} if "fields" in change else {})
    (prediction,) = (await served.predict({"data": data})).json()["predictions"]
    assert (prediction["decision"], prediction["reason"]) == ("in_review", "uncertified")


async def test_a_project_that_is_only_reworded_keeps_its_certificate(served: ServedRouter) -> None:
    rewording = Rewording(instructions="", revision=2, declared_by="olga", declared_at=utc_now())
    await served.publisher.put_project(
        project_of(revision=2, instructions="Judge the score.", rewording=rewording)
    )
    await served.project_revision(2)
    assert (await served.one(SURE))["decision"] == "answered"


async def test_an_archived_project_answers_nothing(served: ServedRouter) -> None:
    await served.publisher.put_project(project_of(revision=2, archived_at=utc_now()))
    await served.project_revision(2)
    response = await served.predict({"item_id": "a", "data": {"score": SURE}})
    assert response.status_code == 409
    assert response.json()["type"] == "urn:surehand:problem:project-archived"
    await served.publisher.put_project(project_of(revision=3))
    await served.project_revision(3)
    assert (await served.one(SURE))["decision"] == "answered"


async def test_a_deleted_project_is_gone_and_the_next_of_its_name_is_served(
    served: ServedRouter,
) -> None:
    deleted = project_of(revision=2, archived_at=utc_now(), deleted_at=utc_now())
    await served.publisher.put_project(deleted)
    item = {"item_id": "a", "data": {"score": SURE}}

    async def is_gone() -> bool:
        return (await served.predict(item)).status_code == 404

    await wait_until(is_gone)
    assert (await served.predict(item)).json()["type"] == "urn:surehand:problem:not-found"
    await served.publisher.put_project(project_of(revision=3, first_revision=3))
    await served.project_revision(3)
    assert (await served.one(SURE))["decision"] == "answered"


async def test_a_project_without_a_model_sends_everything_to_people(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    async with open_router(queue_url) as served:
        # Put after the router's start: it is looked for in the store at once.
        await publisher.put_project()
        prediction = await served.one(SURE)
        assert (prediction["decision"], prediction["reason"]) == ("in_review", "no_model")
        assert prediction["suggestion"] is prediction["probabilities"] is None
        assert prediction["model_version"] is prediction["policy_revision"] is None


async def test_an_item_that_the_graph_chokes_on_goes_to_people(served: ServedRouter) -> None:
    # Infinite as float32, and softmax of it is NaN.
    response = await served.predict(
        {"item_id": "a", "data": {"score": 1e308}}, {"item_id": "b", "data": {"score": SURE}}
    )
    choked, fine = response.json()["predictions"]
    assert (choked["decision"], choked["reason"]) == ("in_review", "model_invalid")
    assert choked["probabilities"] is None
    assert fine["decision"] == "answered"


async def test_with_the_queue_away_the_task_is_spooled_and_later_drained_once(
    open_router: OpenRouter, publisher: Publisher, away_url: str, queue_url: str
) -> None:
    await publisher.put_project()
    await publisher.publish("v1")
    async with open_router(away_url) as served:
        for n in range(20):
            assert (await served.one(UNSURE, f"i{n}"))["decision"] == "in_review"
        outcome = await served.caller.get("/v1/projects/shop/items/i3/outcome")
        assert outcome.json()["status"] == "in_review"
        other = await served.predict({"item_id": "i3", "data": {"score": 0.6}})
        assert other.status_code == 409
        assert other.json()["errors"][0]["pointer"] == "/items/0"
    async with open_router(queue_url) as served:
        await served.drained()
        assert served.queue.item_ids == [f"i{n}" for n in range(20)]


async def test_when_a_task_can_be_kept_nowhere_nothing_is_promised(
    open_router: OpenRouter, publisher: Publisher, away_url: str
) -> None:
    await publisher.put_project()
    await publisher.publish("v1")
    async with open_router(away_url) as served:
        served.lose_spool()
        response = await served.predict({"item_id": "a", "data": {"score": UNSURE}})
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        # What needs nobody is answered all the same.
        assert (await served.one(SURE, "b"))["decision"] == "answered"
