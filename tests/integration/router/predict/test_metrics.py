"""What the router shows of itself: a real parser reads it, and it is true."""

from prometheus_client import REGISTRY, CollectorRegistry, Gauge
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from services.router.app import create_app
from services.router.predict.measuring import Measuring
from services.router.protocols.dependencies import Services
from services.router.settings import RouterSettings
from shared.metrics import LabelledGauge
from shared.settings import CommonSettings
from tests.harness import client, serve, wait_until, wait_until_ready
from tests.harness.model_publisher import SURE, UNSURE, Publisher, number_graph
from tests.integration.router.conftest import OpenRouter, ServedRouter

_OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
_PREDICT = {"method": "POST", "route": "/v1/projects/{project}/predict"}


async def shown(served: ServedRouter, **roles: str) -> None:
    """Wait until exactly these versions are shown, each in its role."""

    async def are_shown() -> bool:
        text = (await served.caller.get("/metrics")).text
        return {
            sample.labels["version"]: sample.labels["role"]
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "surehand_router_version_info"
            # A process has one registry, and another test's router may run in it.
            and sample.labels["project"] == "shop"
            and sample.value == 1
        } == roles

    await wait_until(are_shown)


async def test_both_formats_are_what_their_parsers_read(served: ServedRouter) -> None:
    await served.one(SURE)
    plain = await served.caller.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(plain.text)}
    open_text = await served.caller.get("/metrics", headers=_OPEN_METRICS)
    assert open_text.headers["content-type"].startswith("application/openmetrics-text")
    opened = {
        family.name: family for family in openmetrics.text_string_to_metric_families(open_text.text)
    }
    ours = {name for name in opened if name.startswith("surehand_")}
    assert ours <= families.keys()
    assert ours >= {"surehand_http_requests", "surehand_router_inference_seconds"}
    for name in ours:
        assert opened[name].documentation
        assert opened[name].type == families[name].type != "unknown"
    assert not [name for name in families if name.endswith("_created")]


async def test_decisions_are_counted_by_project_kind_and_reason(served: ServedRouter) -> None:
    name = "surehand_router_decisions_total"
    labels = {"project": "shop", "decision": "declined", "reason": "below_threshold"}
    before = await served.metric(name, **labels)
    await served.one(UNSURE, review="never")
    assert await served.metric(name, **labels) == before + 1


async def test_a_call_is_timed_at_the_door_in_the_queue_and_in_the_graph(
    served: ServedRouter,
) -> None:
    names = {
        "surehand_http_requests_total": {**_PREDICT, "status": "200"},
        "surehand_http_request_seconds_count": _PREDICT,
        "surehand_router_queue_seconds_count": {"project": "shop"},
        "surehand_router_inference_seconds_count": {"project": "shop"},
        "surehand_router_batch_items_sum": {"project": "shop"},
    }
    before = {name: await served.metric(name, **labels) for name, labels in names.items()}
    await served.one(SURE)
    after = {name: await served.metric(name, **labels) for name, labels in names.items()}
    assert after == {name: value + 1 for name, value in before.items()}


async def test_callers_cannot_make_series_up(served: ServedRouter) -> None:
    await served.one(SURE, item_id="an-item-of-mine")
    await served.caller.get("/v1/projects/shop/items/an-item-of-mine/outcome")
    await served.caller.get("/no/such/path-of-mine")
    await served.caller.request("PROPFIND", "/v1/projects/shop/model")
    await served.caller.post("/v1/projects/project-of-mine/predict", json={"items": []})
    text = (await served.caller.get("/metrics")).text
    assert "of-mine" not in text
    assert "PROPFIND" not in text
    unmatched = {"method": "GET", "route": "other", "status": "404"}
    assert await served.metric("surehand_http_requests_total", **unmatched) >= 1
    outcome = {"method": "GET", "route": "/v1/projects/{project}/items/{item_id}/outcome"}
    assert await served.metric("surehand_http_request_seconds_count", **outcome) >= 1


async def test_versions_in_memory_are_shown_while_they_are(
    served: ServedRouter, publisher: Publisher
) -> None:
    await shown(served, v1="champion")
    await publisher.put_champion("v2")
    await served.refused("v2")
    await shown(served, v1="previous")
    assert await served.metric("surehand_router_reload_failures_total", project="shop") >= 1
    await publisher.publish("v2", number_graph(2.0))
    await shown(served, v2="champion")


async def test_each_version_in_memory_has_its_role(
    served: ServedRouter, publisher: Publisher
) -> None:
    await publisher.put_version("v2")
    await publisher.put_version("v3")
    await publisher.put_champion("v1", challenger=("v2", 0.5), shadow=["v3"])
    await shown(served, v1="champion", v2="challenger", v3="shadow")
    await publisher.put_champion("v1")
    await shown(served, v1="champion")


async def test_a_projects_counters_are_there_before_they_count(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project()
    async with open_router(queue_url) as served:
        text = (await served.caller.get("/metrics")).text
        families = text_string_to_metric_families(text)
        shown = {
            family.name
            for family in families
            if any(s.labels.get("project") == "shop" for s in family.samples)
        }
        assert shown >= {
            "surehand_router_audits",
            "surehand_router_reload_failures",
            "surehand_router_scoring_failures",
        }


async def test_items_that_wait_for_the_session_are_shown(
    common: CommonSettings, publisher: Publisher
) -> None:
    await publisher.put_project()
    await publisher.publish("v1")
    app = create_app(common, RouterSettings())
    async with serve(app) as url, client(url) as anybody:
        await wait_until_ready(anybody)
        router: Services = app.state.services
        ((_, _, loaded),) = router.versions.in_memory()
        measuring = Measuring(router.versions, [], 60)
        scores = loaded.batcher.score([{"score": SURE}] * 3)
        measuring.measure()
        assert REGISTRY.get_sample_value("surehand_router_queue_items", {"project": "shop"}) == 3
        await scores
        measuring.measure()
        assert REGISTRY.get_sample_value("surehand_router_queue_items", {"project": "shop"}) == 0


def test_what_is_held_no_longer_is_shown_no_longer() -> None:
    registry = CollectorRegistry()
    series = LabelledGauge(Gauge("held", "Held", ["what"], registry=registry))
    series.show({("a",): 1, ("b",): 2})
    series.show({("b",): 3})
    assert registry.get_sample_value("held", {"what": "b"}) == 3
    assert registry.get_sample_value("held", {"what": "a"}) is None
