"""Every typed call against the services' own OpenAPI documents."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from jsonschema import Draft202012Validator

from scripts.docs_api import document_of
from surehand import Surehand, endpoints
from surehand.endpoints import Endpoint, Listing, Route
from surehand.models.base import Model

NOW = datetime(2026, 11, 28, tzinfo=UTC)
ITEMS = [{"item_id": "a/b", "data": {"text": "x"}, "metadata": {"channel": "web"}}]
P, T = "shop", "018f-task"
PLAN = "019a0000-0000-7000-8000-000000000000"

CALLS: list[Callable[[Surehand], Any]] = [
    lambda c: c.predict(P, ITEMS, wait_seconds=1, review="always"),
    lambda c: c.item_status(P, "a/b", wait_seconds=1),
    lambda c: c.item_statuses(P, ["a/b"]),
    lambda c: c.model(P),
    lambda c: c.projects.overview(since=NOW).page("c", 10),
    lambda c: c.projects.list().page(),
    lambda c: c.projects.get(P),
    lambda c: c.projects.put(P, {"labels": ["a", "b"], "fields": {"t": {"type": "text"}}}),
    lambda c: c.projects.patch(P, {"title": "x"}, revision=3, allow_label_removal=True),
    lambda c: c.projects.dry_run(P, {"title": "x"}),
    lambda c: c.projects.dry_run(
        P, {"labels": ["a", "b"], "fields": {"t": {"type": "text"}}}, replace=True
    ),
    lambda c: c.projects.archive(P),
    lambda c: c.projects.unarchive(P),
    lambda c: c.projects.delete(P, confirm=P),
    lambda c: c.projects.activity(P, actor="x", action="task.reopened").page("c", 10),
    lambda c: c.projects.activity(actor="x").page(),
    lambda c: c.links.create(P, "anna", hours=2, expires_seconds=60),
    lambda c: c.links.create(P, "anna", tags=["language=de"]),
    lambda c: c.links.create(None, "anna", role="operator"),
    lambda c: c.links.list(P, requested=True).page(),
    lambda c: c.links.list().page(),
    lambda c: c.links.revoke(P, "anna"),
    lambda c: c.links.revoke(None, "anna"),
    lambda c: c.links.inspect("code"),
    lambda c: c.links.redeem("code"),
    lambda c: c.links.renew(),
    lambda c: c.links.request("code"),
    lambda c: c.webhooks.list(P).page(),
    lambda c: c.webhooks.enable(P, "w"),
    lambda c: c.webhooks.test(P, "w"),
    lambda c: c.webhooks.deliveries(P, state="failed", webhook_id="w").page("c", 5),
    lambda c: c.webhooks.retry(P, "d"),
    lambda c: c.tasks.add(P, [{"item_id": "a", "data": {"text": "x"}}]),
    lambda c: c.tasks.list(
        P, state="open", lane="audit", label="a", reviewer="r", adjudication=True,
        older_than_seconds=3, search="x", metadata={"channel": "web"}, newest_first=True,
    ).page(limit=5),
    lambda c: c.tasks.get(P, T),
    lambda c: c.tasks.reopen(P, T),
    lambda c: c.tasks.adjudications(P).page(limit=1),
    lambda c: c.tasks.adjudicate(P, T, "a", comment="why"),
    lambda c: c.tasks.answer_for(P, T, "r", "a", active_seconds=1.5, comment="why"),
    lambda c: c.tasks.withdraw(P, ["a"]),
    lambda c: c.tasks.ask_second_opinions(
        P, [{"item_id": "a", "revision": 1, "lane": "audit"}]
    ),
    lambda c: c.tasks.erase_item(P, "a/b", reason="asked"),
    lambda c: c.queue.get(P, window_seconds=60),
    lambda c: c.queue.series(P, since=NOW, step_seconds=60),
    lambda c: c.queue.ages(P),
    lambda c: c.queue.capacity(P, days=7),
    lambda c: c.queue.timings(P, since=NOW, cost_per_hour=20),
    lambda c: next(iter(c.review(P, wait_seconds=1, count=3))),
    lambda c: c.outcomes(P).read("cursor", wait_seconds=1, limit=10, brief=True),
    lambda c: c.outcomes(P).tail(),
    lambda c: c.outcomes(P).get("a/b", wait_seconds=1),
    lambda c: c.outcomes(P).find(["a"]),
    lambda c: c.import_file(P, Path(__file__), format="jsonl", lane="pool"),
    lambda c: c.export(P, format="csv", state="resolved", lane="pool", label="a").__enter__(),
    lambda c: c.reviewers.list(P).page(),
    lambda c: c.reviewers.me(P),
    lambda c: c.reviewers.standing(P),
    lambda c: c.reviewers.acknowledge(P, 2),
    lambda c: c.reviewers.progress(P, since=NOW),
    lambda c: c.reviewers.labels(P),
    lambda c: c.reviewers.tags(P, "r"),
    lambda c: c.reviewers.put_tags(P, "r", ["language=de"]),
    lambda c: c.reviewers.pause(P, "r", "tired"),
    lambda c: c.reviewers.resume(P, "r"),
    lambda c: c.reviewers.agreement(P),
    lambda c: c.reviewers.human_error(P),
    lambda c: c.reviewers.suspects(P).page(),
    lambda c: c.gold.add(P, [{"data": {"text": "x"}, "label": "a"}]),
    lambda c: c.gold.list(P).page(),
    lambda c: c.gold.vouch(P, T, "a", explanation="why"),
    lambda c: c.gold.retire(P, T),
    lambda c: c.feedback.list(P, answered=False).page(),
    lambda c: c.feedback.give(P, "item", "text", task_id=T),
    lambda c: c.feedback.answer(P, 3, "text"),
    lambda c: c.pool.add(P, ITEMS),
    lambda c: c.pool.counts(P),
    lambda c: c.pool.request_labels(P, 10),
    lambda c: c.pool.batches(P).page(),
    lambda c: c.pool.items(P, state="asked").page(),
    lambda c: c.pool.remove(P, ["a"]),
    lambda c: c.pool.labelling(P),
    lambda c: c.pool.learning_curve(P),
    lambda c: c.runs.start(P, mode="initial", recipe="text-linear"),
    lambda c: c.runs.list(P).page(),
    lambda c: c.runs.get(P, "r"),
    lambda c: c.runs.cancel(P, "r"),
    lambda c: c.runs.datasets(P).page(),
    lambda c: c.runs.dataset(P, "d"),
    lambda c: c.runs.download_dataset(P, "d").__enter__(),
    lambda c: c.runs.compare_datasets(P, "d", against="e"),
    lambda c: c.versions.list(P).page(),
    lambda c: c.versions.get(P, "v1"),
    lambda c: c.versions.promote(P, "v1"),
    lambda c: c.versions.approve(P, "v1", note="why"),
    lambda c: c.versions.reject(P, "v1"),
    lambda c: c.versions.promotions(P, version="v1", kinds=["judged", "promoted"]).page("c", 5),
    lambda c: c.versions.shadow_stages(P, version="v1").page("c", 5),
    lambda c: c.versions.compare(P, "v1", "v2"),
    lambda c: c.versions.roll_back(P),
    lambda c: c.versions.retire(P, "v1"),
    lambda c: c.versions.start_shadow(P, "v1"),
    lambda c: c.versions.stop_shadow(P, "v1"),
    lambda c: c.versions.canary(P, "v1", 0.1),
    lambda c: c.versions.confusion(P, "v1"),
    lambda c: c.versions.upload(P, b"onnx", {"inputs": [], "outputs": {}}),
    lambda c: c.versions.put_encoder(P, b"onnx", {"inputs": [], "outputs": {}}),
    lambda c: c.versions.encoder(P),
    lambda c: c.versions.remove_encoder(P),
    lambda c: c.decisions.lineage(P, "a"),
    lambda c: c.decisions.similar(P, "a"),
    lambda c: c.jobs.score_file(P, Path(__file__), format="csv"),
    lambda c: c.jobs.score_stored(P, f"{P}/incoming/a.csv", format="csv"),
    lambda c: c.jobs.autolabel(P, ask=False),
    lambda c: c.jobs.list(P).page(),
    lambda c: c.jobs.get(P, "j"),
    lambda c: c.jobs.cancel(P, "j"),
    lambda c: c.jobs.result(P, "j", format="csv").__enter__(),
    lambda c: c.jobs.labels(P, source="model").__enter__(),
    lambda c: c.decisions.list(
        P, item_id="a", version="v1", decision="answered", reason="confident", since=NOW, until=NOW
    ).page(),
    lambda c: c.decisions.days(P, days=7, version="v1"),
    lambda c: c.decisions.days_of([P, "other"], days=7),
    lambda c: c.monitoring.drift(P),
    lambda c: c.monitoring.accept_drift(P),
    lambda c: c.monitoring.slices(P, "v1"),
    lambda c: c.monitoring.slice_changes(P, "v1"),
    lambda c: c.monitoring.plan_relabelling(P, 200),
    lambda c: c.monitoring.start_relabelling(P, PLAN),
    lambda c: c.monitoring.relabel_plan(P, PLAN),
    lambda c: c.monitoring.relabel_plans(P),
    lambda c: c.promise.get(P),
    lambda c: c.promise.of([P, "other"]),
    lambda c: c.promise.history(P).page(),
    lambda c: c.promise.what_if(
        P, target_accuracy=0.9, confidence=0.9, reviewers_hours=3, price_review=1, price_error=2
    ),
    lambda c: c.promise.certificate(P, target_accuracy=0.9),
    lambda c: c.promise.certify(P, "v1"),
    lambda c: c.promise.suspend(P, "why"),
    lambda c: c.promise.resume(P),
    lambda c: c.promise.reliability(P, "v1"),
    lambda c: c.promise.audit(P),
    lambda c: c.promise.audit_days(P, days=3),
    lambda c: c.promise.export_certificate(P, "v1").__enter__(),
]  # fmt: skip

# Routes without a typed call, and why. A new route gets a call, or a line here.
WITHOUT_A_CALL = {
    r"\w+ GET /(healthz|readyz|metrics)": "for probes and Prometheus, without a token",
    r"router \w+ /v2(/.*)?": "the Open Inference Protocol has clients of its own",
    r"router \w+ /label-studio/.*": "Label Studio calls it",
    r"\w+ GET /v1/changes": "for the services among themselves",
    r"trainer POST .*/decisions/lookup": "for the router, whose outcomes `item_statuses` reads",
}

# A lease's own routes take a token that only a lease gives.
OF_A_LEASE = {"verdict", "skip", "release", "undo", "renew"}


class Sent(Exception):  # noqa: N818
    """The request that a call would send."""

    def __init__(self, request: httpx.Request) -> None:
        super().__init__()
        self.request = request


class Recorder(httpx.BaseTransport):
    """In place of the network."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        raise Sent(request)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    home = tmp_path_factory.mktemp("documents")
    return {name: document_of(name, home) for name in ("router", "review_queue", "trainer")}


@pytest.fixture(scope="module")
def requests() -> list[httpx.Request]:
    """What each call sends, in the order of `CALLS`."""
    found = []
    with Surehand("http://127.0.0.1", token="t", transport=Recorder()) as client:
        for call in CALLS:
            with pytest.raises(Sent) as caught:
                call(client)
            found.append(caught.value.request)
    return found


def operation_of(document: dict[str, Any], method: str, path: str) -> tuple[str, dict[str, Any]]:
    """Return the template and the operation that a request is one of."""
    for template in sorted(document["paths"], key=lambda one: one.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            operation = document["paths"][template].get(method.lower())
            if operation:
                return template, operation
    raise AssertionError(f"no {method} {path}")


def check_parameters(operation: dict[str, Any], request: httpx.Request) -> None:
    declared = {(one["in"], one["name"].lower()): one for one in operation.get("parameters", ())}
    sent = {("query", name) for name in request.url.params}
    sent |= {("header", name) for name in request.headers if name == "if-match"}
    assert sent <= declared.keys()
    required = {at for at, one in declared.items() if one.get("required") and at[0] != "path"}
    assert required <= sent


def check_body(document: dict[str, Any], operation: dict[str, Any], request: httpx.Request) -> None:
    content = operation.get("requestBody", {}).get("content")
    if content is None:
        assert request.content == b""
        return
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind == "application/json":
        schema = {**content[kind]["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(json.loads(request.content))
    elif kind:
        assert kind in content


def test_every_request_is_one_that_the_documents_declare(
    requests: list[httpx.Request], documents: dict[str, dict[str, Any]]
) -> None:
    for request in requests:
        service, _, rest = request.url.raw_path.decode().lstrip("/").partition("/")
        path = f"/{rest}".partition("?")[0]
        _, operation = operation_of(documents[service], request.method, path)
        check_parameters(operation, request)
        check_body(documents[service], operation, request)


def routes() -> Iterator[tuple[str, Route | Listing[Any]]]:
    for name, value in vars(endpoints).items():
        if isinstance(value, Route | Listing):
            yield name, value


def test_every_route_of_the_package_is_tried(requests: list[httpx.Request]) -> None:
    sent = [(one.method, unquote(one.url.path)) for one in requests]
    for name, route in routes():
        method = route.method if isinstance(route, Route) else "GET"
        pattern = re.sub(r"\{\w+\}", ".+", f"/{route.service}{route.path}")
        is_tried = any(m == method and re.fullmatch(pattern, path) for m, path in sent)
        assert is_tried or route.path.rpartition("/")[2] in OF_A_LEASE, name


def test_every_route_has_a_call_or_a_reason_to_have_none(
    documents: dict[str, dict[str, Any]],
) -> None:
    called = {
        (route.service, route.method if isinstance(route, Route) else "GET", route.path)
        for _, route in routes()
    }
    declared = {
        (service, method.upper(), path)
        for service, document in documents.items()
        for path, operations in document["paths"].items()
        for method in operations
    }
    untold = [" ".join(one) for one in sorted(declared - called)]
    assert [one for one in untold if not any(map(partial(matches, one), WITHOUT_A_CALL))] == []
    assert [why for why in WITHOUT_A_CALL if not any(matches(one, why) for one in untold)] == []


def matches(route: str, pattern: str) -> bool:
    return re.fullmatch(pattern, route) is not None


def answers_of(document: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schemas of an operation's good answers."""
    found = []
    for status, response in operation["responses"].items():
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        for one in schema.get("anyOf", [schema]) if status.startswith("2") else ():
            name = one.get("$ref", "").rpartition("/")[2]
            found.append(document["components"]["schemas"].get(name, one))
    return found


def fits(model: type[Model], schema: dict[str, Any]) -> bool:
    """Say whether answers of `schema` have what `model` needs."""
    needed = {
        field.alias or name for name, field in model.model_fields.items() if field.is_required()
    }
    return needed <= set(schema.get("properties", {}))


def test_every_answer_has_what_its_model_needs(documents: dict[str, dict[str, Any]]) -> None:
    for name, route in routes():
        document = documents[route.service]
        if isinstance(route, Endpoint):
            _, operation = operation_of(document, route.method, route.path)
            assert any(fits(route.answer, one) for one in answers_of(document, operation)), name
        elif isinstance(route, Listing):
            _, operation = operation_of(document, "GET", route.path)
            (page,) = answers_of(document, operation)
            item = page["properties"][route.plural]["items"]
            reference = item.get("$ref", "").rpartition("/")[2]
            schema = document["components"]["schemas"].get(reference)
            # The ledger's rows are plain objects in the document.
            assert schema is None or fits(route.item, schema), name
