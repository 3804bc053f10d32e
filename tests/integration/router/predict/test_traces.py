"""Predict in its caller's trace; and at no price where there is no collector, or a bad one."""

import gzip
import secrets
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from shared.auth import Keys
from shared.settings import CommonSettings
from shared.store import Store
from tests.harness import client, free_port, spawn, wait_until
from tests.harness.model_publisher import SURE, UNSURE, Publisher
from tests.harness.otlp import Collector, SeenSpan
from tests.harness.processes import ROOT
from tests.integration.router.conftest import ServedRouter

# Starts a router as its server does, and says what of OpenTelemetry it has in memory by then.
STARTED = """
import asyncio, sys
from services.router.app import create_app
from services.router.settings import RouterSettings
from shared.settings import CommonSettings

async def start():
    app = create_app(CommonSettings(), RouterSettings())
    async with app.router.lifespan_context(app):
        print(*[name for name in sys.modules if name.startswith(("opentelemetry", "shared"))])

asyncio.run(start())
"""


@pytest.fixture
async def seen(collector: Collector, served: ServedRouter) -> ServedRouter:
    """A served whose router exports its spans."""
    return served


async def spans_of(collector: Collector, trace_id: str) -> dict[str, SeenSpan]:
    """Wait for the end of a trace's `predict`, and return its spans by name."""
    await wait_until(lambda: collector.named("predict", trace_id))
    return {span.name: span for span in collector.spans if span.trace_id == trace_id}


async def test_an_answered_call_continues_its_callers_trace(
    seen: ServedRouter, collector: Collector
) -> None:
    trace_id = secrets.token_hex(16)
    seen.caller.headers["traceparent"] = f"00-{trace_id}-{'b' * 16}-01"
    await seen.predict(
        {"item_id": "a", "data": {"score": SURE}}, {"item_id": "b", "data": {"score": UNSURE}},
        review="never",
    )  # fmt: skip
    spans = await spans_of(collector, trace_id)
    assert spans.keys() == {"predict", "score"}
    assert spans["predict"].parent_id == "b" * 16
    assert spans["score"].parent_id == spans["predict"].span_id
    assert spans["predict"].attributes == {
        "surehand.project": "shop",
        "surehand.items": 2,
        "surehand.model_version": "v1",
        "surehand.answered": 1,
        "surehand.declined": 1,
    }
    store = seen.publisher.store

    async def shipped() -> list[str]:
        return await store.files("shop/decisions")

    (path,) = await wait_until(shipped) or []
    rows = gzip.decompress(await store.read(path) or b"").splitlines()
    predict = spans["predict"]
    assert [orjson.loads(row)["trace"] for row in rows] == [
        f"00-{trace_id}-{predict.span_id}-01"
    ] * 2


async def test_the_task_carries_the_trace_of_its_hand_off(
    seen: ServedRouter, collector: Collector
) -> None:
    await seen.one(UNSURE)
    ((_, (task,)),) = seen.queue.batches
    trace_id, span_id = task["trace"].split("-")[1:3]
    spans = await spans_of(collector, trace_id)
    assert spans["hand_off"].span_id == span_id
    assert spans["hand_off"].attributes == {"surehand.tasks": 1}
    assert spans["predict"].parent_id == ""


async def test_the_span_names_the_challenger_that_scored(
    seen: ServedRouter, collector: Collector, publisher: Publisher
) -> None:
    await publisher.put_version("v2")
    await publisher.put_champion("v1", challenger=("v2", 1.0))

    async def challenges() -> bool:
        return await seen.metric("surehand_router_version_info", role="challenger") == 1

    await wait_until(challenges)
    await seen.one(UNSURE, review="never")
    (predict,) = await wait_until(lambda: collector.named("predict"))
    (score,) = collector.named("score", predict.trace_id)
    assert predict.attributes["surehand.challenger"] == "v2"
    assert score.attributes["surehand.challenged"] == 1


async def test_infer_is_a_span_and_what_it_routes_is_one_of_predict(
    seen: ServedRouter, collector: Collector
) -> None:
    trace_id = secrets.token_hex(16)
    seen.caller.headers["traceparent"] = f"00-{trace_id}-{'b' * 16}-01"
    row = {"name": "score", "datatype": "FP32", "shape": [1], "data": [SURE]}
    routed = {"surehand_review": "auto", "surehand_item_ids": ["a"]}
    for parameters in ({}, routed):
        body = {"inputs": [row], "parameters": parameters}
        answer = await seen.caller.post("/v2/models/shop/infer", json=body)
        assert answer.status_code == 200, answer.text
    predict = await wait_until(lambda: collector.named("predict", trace_id))
    await wait_until(lambda: len(collector.named("infer", trace_id)) == 2)
    scored, sent_on = collector.named("infer", trace_id)
    assert scored.attributes == {
        "surehand.project": "shop",
        "surehand.items": 1,
        "surehand.model_version": "v1",
    }
    assert [span.parent_id for span in predict] == [sent_on.span_id]


@pytest.mark.thorough
async def test_who_does_not_want_to_be_traced_is_not(
    seen: ServedRouter, collector: Collector
) -> None:
    trace_id = secrets.token_hex(16)
    await seen.one(UNSURE)
    seen.caller.headers["traceparent"] = f"00-{trace_id}-{'b' * 16}-00"
    await seen.one(UNSURE, "b")
    assert seen.queue.batches[1][1][0]["trace"].startswith(f"00-{trace_id}-")
    del seen.caller.headers["traceparent"]
    await seen.one(UNSURE, "c")
    await wait_until(lambda: len(collector.named("predict")) == 2)
    assert collector.named("predict", trace_id) == []


async def test_a_refused_call_says_why_and_is_no_error(
    seen: ServedRouter, collector: Collector
) -> None:
    seen.caller.headers["traceparent"] = "nonsense"
    assert (await seen.predict({"data": {"colour": 1}})).status_code == 422
    (predict,) = await wait_until(lambda: collector.named("predict"))
    assert predict.attributes["surehand.problem"] == "unprocessable"
    assert not predict.is_error


async def test_without_an_endpoint_messages_say_nothing_of_traces(served: ServedRouter) -> None:
    served.caller.headers["traceparent"] = f"00-{'a' * 32}-{'b' * 16}-01"
    await served.one(UNSURE)
    ((_, (task,)),) = served.queue.batches
    assert "trace" not in task


@pytest.mark.thorough
def test_without_an_endpoint_nothing_that_traces_is_even_imported(
    common: CommonSettings, tmp_path: Path
) -> None:
    environment = {
        "SUREHAND_HOME": str(common.home),
        "SUREHAND_SECRET": common.secret.get_secret_value(),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", STARTED]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    modules = ran.stdout.decode().split()
    assert "shared.tracing" in modules
    # FastAPI imports the API, and redis a part of the SDK: whether they are used or not.
    traces = ("shared.tracing.otlp", "opentelemetry.sdk.trace", "opentelemetry.exporter")
    assert [name for name in modules if name.startswith(traces)] == []


@pytest.mark.thorough
@pytest.mark.parametrize("away", ["silent", "absent"])
async def test_a_collector_that_is_away_costs_no_answer_and_no_stop(
    common: CommonSettings, keys: Keys, collector: Collector, away: str
) -> None:
    publisher = Publisher(Store(common.store_address))
    await publisher.put_project()
    await publisher.publish("v1")
    collector.answers.clear()
    absent = f"http://127.0.0.1:{free_port()}"
    with spawn(
        "router", common.home, free_port(), health="/readyz",
        SUREHAND_SECRET=common.secret.get_secret_value(),
        SUREHAND_REVIEW_QUEUE_URL=f"http://127.0.0.1:{free_port()}",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint if away == "silent" else absent,
        # Fewer than there are spans: the rest is dropped.
        OTEL_BSP_MAX_QUEUE_SIZE="64", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="16",
    ) as router:  # fmt: skip
        async with client(router.base_url, keys.issue("caller", "tests")) as caller:
            items = [{"data": {"score": SURE}}]
            for _ in range(100):
                answer = await caller.post("/v1/projects/shop/predict", json={"items": items})
                assert answer.json()["predictions"][0]["decision"] == "answered"
            answer = await caller.post(
                "/v1/projects/shop/predict",
                json={"items": [{"data": {"score": UNSURE}}]},
                headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
            )
            assert answer.json()["predictions"][0]["decision"] == "in_review"
        assert away == "absent" or collector.spans
        router.stop()
        lines = [orjson.loads(line) for line in router.log.read_text().splitlines()]
    assert "library_says" in {line["event"] for line in lines}
    (queue_away,) = (line for line in lines if line["event"] == "review_queue_away")
    assert queue_away["trace_id"] == "a" * 32
