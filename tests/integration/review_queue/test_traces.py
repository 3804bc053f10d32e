"""Tasks remember the trace that asked for them, and spans point back at it."""

from collections.abc import AsyncIterator

import pytest

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.clock import Clock
from tests.harness.desk import Desk, body_of, entry, open_desk
from tests.harness.otlp import Collector, new_trace

pytestmark = pytest.mark.any_database


def id_of(trace: str) -> str:
    return trace.split("-")[1]


@pytest.fixture
async def seen_desk(
    collector: Collector,
    common: CommonSettings,
    settings: ReviewQueueSettings,
    keys: Keys,
    clock: Clock,
) -> AsyncIterator[Desk]:
    async with open_desk(common, settings, keys, clock) as opened:
        await opened.put_project()
        yield opened


@pytest.fixture
async def unseen_desk(desk: Desk) -> Desk:
    await desk.put_project()
    return desk


async def trace_of(desk: Desk, item_id: str) -> str | None:
    (receipt,) = await desk.post(entry(item_id))
    trace: str | None = (await desk.task(receipt["task_id"])).get("trace")
    return trace


async def test_each_call_of_a_shared_request_sees_its_own_tasks(
    seen_desk: Desk, collector: Collector
) -> None:
    first, second = new_trace(), new_trace()
    await seen_desk.post(
        entry("a", trace=first), entry("b"), entry("c", trace=second), entry("d", trace=first)
    )
    spans = await wait_until(lambda: len(found := collector.named("tasks")) == 3 and found)
    assert spans
    counts = {span.trace_id: span.attributes["surehand.tasks"] for span in spans}
    (own,) = counts.keys() - {id_of(first), id_of(second)}
    assert counts == {id_of(first): 2, own: 1, id_of(second): 1}
    assert all(span.attributes["surehand.project"] == "shop" for span in spans)
    assert await trace_of(seen_desk, "a") == first
    assert id_of(await trace_of(seen_desk, "b") or "") == own


async def test_lease_verdict_skip_and_undo_point_at_the_items_trace(
    seen_desk: Desk, collector: Collector
) -> None:
    trace = new_trace()
    await seen_desk.post(entry("a", trace=trace))
    lease = await seen_desk.lease_one("r1")
    await seen_desk.use("r1", lease["token"], "skip", {})
    await seen_desk.use("r1", lease["token"], "undo")
    lease = await seen_desk.lease_one("r1")
    await seen_desk.verdict("r1", lease["token"], "positive")
    assert (await seen_desk.outcomes())["outcomes"][0]["trace"] == trace

    def names() -> set[str]:
        return {span.name for span in collector.spans if id_of(trace) in span.links}

    await wait_until(lambda: names() == {"lease", "skip", "undo", "verdict"})


async def test_a_verdict_on_behalf_points_there_too_and_a_refusal_is_no_error(
    seen_desk: Desk, collector: Collector
) -> None:
    trace = new_trace()
    (receipt,) = await seen_desk.post(entry("a", trace=trace))
    path = f"/v1/projects/shop/tasks/{receipt['task_id']}/verdicts"
    for label, status in (("positive", 200), ("negative", 409)):
        body = {"reviewer": "anna", "label": label}
        body_of(await seen_desk.service.post(path, json=body), status)
    await wait_until(lambda: len(collector.named("verdict", id_of(trace))) == 2)
    given, refused = collector.named("verdict")
    assert "surehand.problem" not in given.attributes
    assert refused.attributes["surehand.problem"] == "conflict"
    assert not refused.is_error


async def test_waiting_for_nothing_makes_no_span(seen_desk: Desk, collector: Collector) -> None:
    assert await seen_desk.lease("r1", wait_seconds=0.2) == []
    await seen_desk.post(entry("a"))
    await wait_until(lambda: collector.named("tasks"))
    assert collector.named("lease") == []


async def test_whoever_asks_again_is_the_one_to_be_pointed_at(unseen_desk: Desk) -> None:
    desk = unseen_desk
    first, audit, relabel = new_trace(), new_trace(), new_trace()
    await desk.post(entry("a", trace=first))
    await desk.post(entry("a", trace=new_trace()))
    assert await trace_of(desk, "a") == first
    await desk.post(entry("a", lane="audit", trace=audit))
    assert await trace_of(desk, "a") == audit
    await desk.answer("r1", "positive")
    await desk.post(entry("a", lane="relabel", trace=relabel))
    assert await trace_of(desk, "a") == relabel


async def test_without_traces_messages_have_no_such_field(unseen_desk: Desk) -> None:
    desk = unseen_desk
    (receipt,) = await desk.post(entry("a"))
    await desk.answer("r1", "positive")
    assert "trace" not in await desk.task(receipt["task_id"])
    assert "trace" not in (await desk.outcomes())["outcomes"][0]


async def test_what_is_no_traceparent_is_rejected(unseen_desk: Desk) -> None:
    for trace in ("", "00-1-1-01", new_trace().upper().replace("0", "G"), new_trace() + "\n", 7):
        (receipt,) = await unseen_desk.post(entry("a", trace=trace))
        assert receipt["status"] == "rejected"
        assert receipt["detail"].startswith("/trace: ")
