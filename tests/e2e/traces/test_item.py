"""One item from predict through its verdict to the run that learns from it, in one trace."""

from pathlib import Path

import httpx
import orjson
import pytest

from tests.harness import wait_until
from tests.harness.installation import launch
from tests.harness.otlp import Collector, SeenSpan, collecting, new_trace

pytestmark = pytest.mark.thorough

PROJECT = "/v1/projects/shop"
SPEC = {"labels": ["bad", "good"], "fields": {"text": {"type": "text"}}}
SERVER, CLIENT, CONSUMER = 2, 3, 5


def body_of(response: httpx.Response) -> dict[str, list[dict[str, object]]]:
    assert response.is_success, response.text
    body: dict[str, list[dict[str, object]]] = response.json()
    return body


async def the(collector: Collector, name: str, trace_id: str) -> SeenSpan:
    """Wait for the one span of a name that concerns a trace."""
    (span,) = await wait_until(lambda: collector.named(name, trace_id))
    return span


async def test_every_service_adds_its_part_to_the_trace_of_an_item(tmp_path: Path) -> None:
    header = new_trace()
    trace_id = header.split("-")[1]
    with (
        collecting() as collector,
        launch(
            tmp_path / "home",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
            OTEL_BSP_SCHEDULE_DELAY="50",
        ) as launched,
    ):
        async with (
            launched.client("router", "caller") as router,
            launched.client("review_queue", "operator") as queue,
            launched.client("trainer", "operator") as trainer,
        ):
            body_of(await queue.put(PROJECT, json=SPEC))
            item = {"item_id": "a", "data": {"text": "broken"}}
            asked = await router.post(
                f"{PROJECT}/predict", json={"items": [item]}, headers={"traceparent": header}
            )
            (prediction,) = body_of(asked)["predictions"]
            assert prediction["decision"] == "in_review"
            predict = await the(collector, "predict", trace_id)
            hand_off = await the(collector, "hand_off", trace_id)
            tasks = await the(collector, "tasks", trace_id)

            (lease,) = body_of(await queue.post(f"{PROJECT}/leases", json={}))["leases"]
            verdict = {"label": "bad"}
            body_of(await queue.post(f"/v1/leases/{lease['token']}/verdict", json=verdict))
            others = [await the(collector, name, trace_id) for name in ("lease", "verdict")]
            others.append(await the(collector, "outcomes", trace_id))
            body_of(await trainer.post(f"{PROJECT}/runs", json={}))
            others.append(await the(collector, "run", trace_id))

            task = (await queue.get(f"{PROJECT}/tasks/{prediction['task_id']}")).json()
            outcome = body_of(await queue.get(f"{PROJECT}/outcomes"))["outcomes"][0]
            assert task["trace"] == outcome["trace"] == f"00-{trace_id}-{hand_off.span_id}-01"

    score = await the(collector, "score", trace_id)
    assert {span.trace_id for span in (predict, score, hand_off, tasks)} == {trace_id}
    assert predict.parent_id == header.split("-")[2]
    assert score.parent_id == hand_off.parent_id == predict.span_id
    assert tasks.parent_id == hand_off.span_id
    services = ["surehand/router", "surehand/review_queue", "surehand/trainer"]
    assert [span.service for span in (predict, tasks, others[-1])] == services
    assert [span.kind for span in (predict, hand_off, tasks)] == [SERVER, CLIENT, SERVER]
    assert predict.attributes == {
        "surehand.project": "shop",
        "surehand.items": 1,
        "surehand.in_review": 1,
    }
    # Days may lie in between: these have traces of their own, which point at the item's.
    assert all(trace_id in span.links and span.trace_id != trace_id for span in others)
    assert others[2].kind == CONSUMER
    assert others[3].attributes["surehand.state"] == "failed"
    assert b"broken" not in orjson.dumps([span.attributes for span in collector.spans])
