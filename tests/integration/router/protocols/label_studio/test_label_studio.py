"""Label Studio's side of the router, with a real review queue and a real trainer behind it."""

import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.review_queue.app import create_app as create_queue
from services.review_queue.settings import ReviewQueueSettings
from services.trainer.app import create_app as create_trainer
from services.trainer.settings import TrainerSettings
from shared.auth import Keys
from shared.contracts.base import task_id_for
from shared.contracts.projects import Project
from shared.settings import CommonSettings
from shared.store import project_path
from tests.harness import client, serve
from tests.harness.databases import create_tables
from tests.harness.model_publisher import TEXT_INPUT, Publisher, project_of, text_graph
from tests.integration.router.conftest import OpenRouter, ServedRouter

ROOT = "/label-studio/shop"
CONFIG = """<View><Text name="review" value="$body"/><Choices name="mood" toName="review">
<Choice value="positive"/><Choice value="negative"/></Choices></View>"""
SPEC: dict[str, Any] = {
    "labels": ["negative", "positive"],
    "fields": {"text": {"type": "text", "max_length": 100}},
}


@dataclass
class Studio:
    """Label Studio as the router sees it, and the operators of queue and router."""

    served: ServedRouter
    connected: httpx.AsyncClient
    queue: httpx.AsyncClient

    async def event(self, action: str, answer: str, **changes: Any) -> httpx.Response:
        """Send an event about task 7, which `answer` was given to."""
        result = {"from_name": "mood", "to_name": "review", "type": "choices"}
        annotation = {
            "id": 3,
            "result": [{**result, "id": "x", "value": {"choices": [answer]}}],
            "completed_by": 5,
            "lead_time": 4.5,
            "was_cancelled": False,
            **changes.pop("annotation", {}),
        }
        body = {
            "action": action,
            "annotation": annotation,
            "task": {"id": 7, "data": {"body": "so good", **changes.pop("data", {})}},
            "project": {"id": 1, "title": "Reviews", "label_config": CONFIG},
            **changes,
        }
        return await self.connected.post(f"{ROOT}/webhook", json=body)

    async def task(self, item_id: str = "label-studio-7") -> dict[str, Any]:
        """The task of an item, at the review queue."""
        task_id = task_id_for("shop", item_id)
        response = await self.queue.get(f"/v1/projects/shop/tasks/{task_id}")
        assert response.status_code == 200, response.text
        task: dict[str, Any] = response.json()
        return task


@pytest.fixture
async def studio(
    common: CommonSettings,
    keys: Keys,
    sqlite_url: str,
    open_router: OpenRouter,
    publisher: Publisher,
) -> AsyncIterator[Studio]:
    await create_tables("review_queue", sqlite_url)
    operator = keys.issue("operator", "op")
    queue = create_queue(common, ReviewQueueSettings(database_url=sqlite_url))
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(serve(queue))
        at_queue = await stack.enter_async_context(client(url, operator))
        assert (await at_queue.put("/v1/projects/shop", json=SPEC)).status_code == 201
        stored = await publisher.store.read_document(project_path("shop"), Project)
        assert stored is not None
        publisher.project = stored
        await publisher.publish("v1", text_graph(), inputs=[TEXT_INPUT])
        served = await stack.enter_async_context(open_router(url))
        connected = await stack.enter_async_context(client(str(served.caller.base_url), operator))
        yield Studio(served, connected, at_queue)


def basic(token: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'any:{token}'.encode()).decode()}"}


def tasks(*texts: Any) -> list[dict[str, Any]]:
    return [{"id": n, "data": {"body": text}, "project": 1} for n, text in enumerate(texts)]


async def test_it_connects_with_basic_or_a_token_header(studio: Studio) -> None:
    base = str(studio.served.caller.base_url)
    token = studio.served.keys.issue("caller", "label-studio")
    schemes = [basic(token), {"Authorization": f"Token {token}"}]
    schemes.append({"Authorization": f"Bearer {token}"})
    async with client(base) as anybody:
        assert (await anybody.get(f"{ROOT}/health")).json() == {
            "status": "UP",
            "model_class": "Surehand",
        }
        for headers in schemes:
            body = {"project": "1.1", "schema": CONFIG, "access_token": "x", "extra_params": None}
            response = await anybody.post(f"{ROOT}/setup", json=body, headers=headers)
            assert response.json() == {"model_version": "v1"}
            response = await anybody.get(f"{ROOT}/versions", headers=headers)
            assert response.json() == {"versions": ["v1"]}
        for header in ("Basic !!!", "Basic eDp5", "Digest x", "Token", f"Basic {token}", ""):
            for method, path in (("POST", "setup"), ("GET", "versions"), ("POST", "webhook")):
                response = await anybody.request(
                    method, f"{ROOT}/{path}", headers={"Authorization": header}
                )
                assert response.status_code == 401, (header, path)


async def test_a_webhook_needs_who_may_give_verdicts(studio: Studio) -> None:
    base, issue = str(studio.served.caller.base_url), studio.served.keys.issue
    statuses = {"caller": 403, "reviewer": 403, "service": 200, "operator": 200}
    for role, status in statuses.items():
        async with client(base) as someone:
            response = await someone.post(
                f"{ROOT}/webhook",
                json={"action": "TASKS_CREATED"},
                headers=basic(issue(role, "x")),  # type: ignore[arg-type]
            )
            assert response.status_code == status, role


async def test_setup_refuses_a_configuration_that_cannot_work(studio: Studio) -> None:
    for schema, status in (
        (CONFIG, 200),
        ("", 200),
        ("<View></View>", 200),
        ("<View>", 422),
        (CONFIG.replace("positive", "fine"), 422),
        ('<!DOCTYPE a [<!ENTITY b "c">]><View/>', 422),
    ):
        response = await studio.connected.post(f"{ROOT}/setup", json={"schema": schema})
        assert response.status_code == status, (schema, response.text)


async def test_tasks_are_pre_annotated_and_a_bad_one_spoils_no_other(studio: Studio) -> None:
    given = tasks("good", "x" * 101, "bad", 5)
    body = {"tasks": given, "label_config": CONFIG, "project": "1.1", "params": {"login": None}}
    response = await studio.connected.post(f"{ROOT}/predict", json=body)
    first, long, last, number = response.json()["results"]
    assert first.keys() == {"model_version", "score", "result"}
    assert first["result"] == [
        {"from_name": "mood", "to_name": "review", "type": "choices",
         "value": {"choices": ["positive"]}}
    ]  # fmt: skip
    assert last["result"][0]["value"] == {"choices": ["negative"]}
    assert (first["model_version"], first["score"] > 0.9) == ("v1", True)
    for unfit in (long, number):
        assert (unfit["score"], unfit["result"]) == (None, [])
        assert "/data/text" in unfit["error"]
    queue = await studio.queue.get("/v1/projects/shop/tasks")
    assert queue.json()["tasks"] == []


async def test_a_faulty_call_is_named_at_its_place(studio: Studio) -> None:
    good = {"tasks": tasks("good"), "label_config": CONFIG}
    faults = {
        "/tasks": {**good, "tasks": []},
        "/tasks/0/data": {**good, "tasks": [{"id": 1, "data": 1}]},
        "/label_config": {**good, "label_config": "<View/>"},
    }
    for pointer, body in faults.items():
        response = await studio.connected.post(f"{ROOT}/predict", json=body)
        assert response.status_code == 422
        assert [fault["pointer"] for fault in response.json()["errors"]] == [pointer]
    response = await studio.connected.post("/label-studio/nowhere/predict", json=good)
    assert response.status_code == 404


async def test_without_a_model_it_connects_but_does_not_predict(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of())
    async with open_router(queue_url) as served:
        response = await served.caller.post(f"{ROOT}/setup", json={"schema": ""})
        assert response.json() == {"model_version": None}
        body = {"tasks": tasks("good"), "label_config": CONFIG}
        response = await served.caller.post(f"{ROOT}/predict", json=body)
        assert response.status_code == 503
        assert response.headers["retry-after"]


async def test_an_annotation_of_other_data_under_an_answered_id_is_a_conflict(
    studio: Studio,
) -> None:
    assert (await studio.event("ANNOTATION_CREATED", "positive")).status_code == 200
    for action in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED"):
        response = await studio.event(action, "positive", data={"body": "another"})
        assert response.status_code == 409
        assert response.json()["type"] == "urn:surehand:problem:item-conflict"


async def test_an_annotation_becomes_a_verdict_of_its_annotator(studio: Studio) -> None:
    response = await studio.event("ANNOTATION_CREATED", "positive")
    task_id = task_id_for("shop", "label-studio-7")
    assert response.json() == {
        "status": "ok",
        "item_id": "label-studio-7",
        "task_id": task_id,
        "label": "positive",
    }
    task = await studio.task()
    assert (task["state"], task["label"], task["lane"]) == ("resolved", "positive", "optional")
    assert task["data"] == {"text": "so good"}
    verdict = next(line for line in task["timeline"] if line["kind"] == "verdict")
    assert verdict["actor"] == "label-studio-user-5"
    # Label Studio may send an event again.
    assert (await studio.event("ANNOTATION_CREATED", "positive")).status_code == 200
    assert (await studio.task())["revision"] == 1


async def test_an_updated_annotation_is_a_correction(studio: Studio) -> None:
    await studio.event("ANNOTATION_CREATED", "positive")
    response = await studio.event("ANNOTATION_UPDATED", "negative", annotation={"updated_by": 6})
    assert response.json()["label"] == "negative"
    outcome = (await studio.queue.get("/v1/projects/shop/outcomes/label-studio-7")).json()
    assert (outcome["label"], outcome["revision"] > 1) == ("negative", True)
    # An update of what nobody has heard of is as good as its creation.
    response = await studio.event("ANNOTATION_UPDATED", "negative", data={"item_id": "new"})
    assert (await studio.task("new"))["label"] == "negative"


async def test_a_second_opinion_does_not_overturn_the_first(studio: Studio) -> None:
    await studio.event("ANNOTATION_CREATED", "positive")
    other = {"completed_by": 6}
    response = await studio.event("ANNOTATION_CREATED", "negative", annotation=other)
    assert response.status_code == 409
    assert (await studio.task())["label"] == "positive"


async def test_an_item_keeps_the_id_that_its_data_brings(studio: Studio) -> None:
    predicted = await studio.served.predict(
        {"item_id": "order-1", "data": {"text": "so good"}}, review="always"
    )
    assert predicted.json()["predictions"][0]["decision"] == "in_review"
    await studio.event("ANNOTATION_CREATED", "positive", data={"item_id": "order-1"})
    task = await studio.task("order-1")
    assert (task["label"], task["lane"]) == ("positive", "mandatory")
    other = {"item_id": "order-1", "body": "so bad"}
    await studio.served.predict({"item_id": "order-2", "data": {"text": "x"}}, review="always")
    response = await studio.event(
        "ANNOTATION_CREATED", "positive", data={**other, "item_id": "order-2"}
    )
    assert response.status_code == 409
    assert response.json()["type"] == "urn:surehand:problem:item-conflict"


async def test_what_answers_nothing_is_no_verdict(studio: Studio) -> None:
    nothing: list[dict[str, Any]] = [
        {"was_cancelled": True},
        {"result": []},
        {"completed_by": None, "result": []},
    ]
    for annotation in nothing:
        response = await studio.event("ANNOTATION_CREATED", "positive", annotation=annotation)
        assert response.json() == {"status": "No label in it"}
    assert (await studio.queue.get("/v1/projects/shop/tasks")).json()["tasks"] == []


async def test_other_events_are_let_pass(studio: Studio) -> None:
    for body in (
        {"action": "PROJECT_UPDATED", "project": {}},
        {"action": "ANNOTATIONS_CREATED", "annotation": [], "task": []},
        {"action": "x"},
    ):
        response = await studio.connected.post(f"{ROOT}/webhook", json=body)
        assert (response.status_code, response.json()) == (200, {"status": "Unknown event"})


FAULTY: list[tuple[dict[str, Any], str]] = [
    ({"annotation": {"result": 1}}, "/annotation/result"),
    ({"annotation": {"lead_time": "soon"}}, "/annotation/lead_time"),
    ({"data": {"body": "x" * 101}}, "/task/data/text"),
    ({"data": {"body": "a\0b"}}, "/task/data/text"),
    ({"data": {"item_id": "x" * 201}}, "/task/data/item_id"),
    ({"data": {"item_id": "a\nb"}}, "/task/data/item_id"),
    ({"project": {"label_config": "<View/>"}}, "/project/label_config"),
    ({"project": {}}, "/project/label_config"),
    ({"task": None}, "/task"),
    ({"task": {"data": {"body": "good"}}}, "/task/id"),
]


async def test_a_faulty_event_is_named_at_its_place(studio: Studio) -> None:
    for changes, pointer in FAULTY:
        response = await studio.event("ANNOTATION_CREATED", "positive", **changes)
        assert response.status_code == 422, changes
        assert [fault["pointer"] for fault in response.json()["errors"]] == [pointer]
        assert "Traceback" not in response.text
    response = await studio.event("ANNOTATION_CREATED", "unclear")
    assert response.status_code == 422
    assert (await studio.queue.get("/v1/projects/shop/tasks")).json()["tasks"] == []


async def test_while_the_queue_is_away_an_annotation_is_503(
    open_router: OpenRouter, publisher: Publisher, away_url: str
) -> None:
    await publisher.put_project(project_of(fields={"text": SPEC["fields"]["text"]}))
    async with open_router(away_url) as served:
        token = served.keys.issue("operator", "o")
        async with client(str(served.caller.base_url), token) as connected:
            studio = Studio(served, connected, connected)
            response = await studio.event("ANNOTATION_CREATED", "positive")
            assert response.status_code == 503
            response = await connected.post(f"{ROOT}/webhook", json={"action": "START_TRAINING"})
            assert response.status_code == 503
            assert response.json()["type"] == "urn:surehand:problem:trainer-unreachable"


async def test_start_training_starts_a_run_with_the_callers_rights(
    common: CommonSettings,
    keys: Keys,
    sqlite_url: str,
    open_router: OpenRouter,
    publisher: Publisher,
    queue_url: str,
) -> None:
    await publisher.put_project()
    await create_tables("trainer", sqlite_url)
    trainer = create_trainer(common, TrainerSettings(database_url=sqlite_url))
    async with (
        serve(trainer) as url,
        open_router(queue_url, trainer_url=url) as served,
        client(url, keys.issue("operator", "o")) as at_trainer,
        client(str(served.caller.base_url)) as connected,
    ):

        async def start(role: Any) -> httpx.Response:
            return await connected.post(
                f"{ROOT}/webhook",
                json={"action": "START_TRAINING", "project": {"id": 1}},
                headers=basic(keys.issue(role, "label-studio")),
            )

        response = await start("operator")
        assert (response.status_code, response.json()["status"]) == (200, "ok")
        run = await at_trainer.get(f"/v1/projects/shop/runs/{response.json()['job']}")
        assert (run.json()["mode"], run.json()["requested_by"]) == ("initial", "label-studio")
        # The router lends nobody its own rights.
        assert (await start("service")).status_code == 403
