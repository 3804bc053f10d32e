"""Shadow versions: recorded beside the answers, and of no consequence to them."""

import gzip
from typing import Any

import numpy as np
import pytest

from services.router.decision_log.shipping import SHADOW, RowLog
from services.router.versions.registry import Versions
from shared.contracts.base import utc_now
from shared.contracts.decisions import ShadowRow
from shared.doorbells import Doorbells
from shared.settings import CommonSettings
from shared.store import Store
from tests.harness import wait_until
from tests.harness.model_publisher import (
    SURE,
    UNSURE,
    Publisher,
    entry_of,
    number_graph,
    slow_graph,
)
from tests.integration.router.conftest import OpenRouter, ServedRouter


async def shadow_items(served: ServedRouter, result: str) -> float:
    return await served.metric("surehand_router_shadow_items_total", result=result)


async def shadow(served: ServedRouter, model: bytes, version: str = "v2") -> None:
    """Let `version` of `model` be a shadow beside v1, and wait until it is loaded."""
    await served.publisher.put_version(version, model)
    await served.publisher.put_champion("v1", shadow=[version])

    async def loaded() -> bool:
        return version in (await served.model())["loaded"]

    await wait_until(loaded)


async def recorded(served: ServedRouter, count: int) -> list[ShadowRow]:
    """Wait until the store has `count` rows of the shadow log; return them in order."""
    store = served.publisher.store

    async def rows() -> list[ShadowRow] | None:
        lines: list[bytes] = []
        for path in await store.files("shop/shadow"):
            lines += gzip.decompress(await store.read(path) or b"").splitlines()
        return (
            [ShadowRow.model_validate_json(line) for line in lines][:count]
            if (len(lines) >= count)
            else None
        )

    return await wait_until(rows) or []


async def test_a_shadow_is_recorded_and_never_answers(served: ServedRouter) -> None:
    await shadow(served, number_graph(slope=-1.0))
    sure = await served.one(SURE, "a")
    unsure = await served.one(UNSURE, "b")
    assert (sure["label"], sure["model_version"]) == ("positive", "v1")
    assert (unsure["decision"], unsure["suggestion"]) == ("in_review", "positive")
    one, other = await recorded(served, 2)
    assert (one.item_id, one.model_version, one.suggestion) == ("a", "v2", "negative")
    assert (one.decision_version, one.decision_suggestion) == ("v1", "positive")
    assert one.probabilities is not None
    assert one.probabilities["negative"] == one.confidence
    assert one.received_at <= one.scored_at
    assert (other.item_id, other.decision_suggestion) == ("b", "positive")
    (path,) = await served.publisher.store.files("shop/shadow")
    assert path.startswith(f"shop/shadow/{one.received_at:%Y-%m-%d}/")
    logged = (await served.model())["shadow"]
    assert logged == ["v2"]


def told(response: Any) -> list[dict[str, Any]]:
    """What an answer says, but for its time."""
    document = response.json()
    return [document["promise"]] + [
        {key: value for key, value in one.items() if key != "decided_at"}
        for one in document["predictions"]
    ]


@pytest.mark.thorough
async def test_answers_are_the_same_with_and_without_a_shadow(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    publisher.audit_rate = 0.3
    await publisher.put_project()
    await publisher.publish("v1")
    draw = np.random.default_rng(20261124)
    calls = [
        [
            {"item_id": f"{n}-{i}", "data": {"score": float(score)}}
            for i, score in enumerate(draw.uniform(-9, 9, size=draw.integers(1, 40)))
        ]
        for n in range(12)
    ]
    reviews = draw.choice(["auto", "always", "never"], size=len(calls), p=[0.8, 0.1, 0.1])
    asked = list(zip(calls, reviews, strict=True))
    # Shadows that contradict, that cannot score, and that are slow.
    models = {"v2": number_graph(-1.0), "v3": number_graph(1e38), "v4": slow_graph(200)}
    async with open_router(queue_url) as served:
        before = [told(await served.predict(*items, review=str(how))) for items, how in asked]
        await served.drained()
        tasks = sorted(task["item_id"] for _, batch in served.queue.batches for task in batch)
        served.queue.batches.clear()
        for version, model in models.items():
            await publisher.put_version(version, model)
        await publisher.put_champion("v1", shadow=list(models))

        async def loaded() -> bool:
            return len((await served.model())["loaded"]) == 1 + len(models)

        await wait_until(loaded)
        scored = await shadow_items(served, "scored") + await shadow_items(served, "unscored")
        after = [told(await served.predict(*items, review=str(how))) for items, how in asked]

        async def all_scored() -> bool:
            total = await shadow_items(served, "scored") + await shadow_items(served, "unscored")
            return total - scored == len(models) * sum(map(len, calls))

        await wait_until(all_scored)
        await served.drained()
    assert after == before
    assert sorted(task["item_id"] for _, batch in served.queue.batches for task in batch) == tasks


@pytest.mark.thorough
async def test_answers_do_not_wait_for_a_shadow_that_hangs(served: ServedRouter) -> None:
    await shadow(served, slow_graph())
    scored = await shadow_items(served, "scored")
    for n in range(20):
        # The first of them alone keeps the shadow busy for longer than all answers take.
        prediction = await served.one(SURE, f"item-{n}")
        assert (prediction["decision"], prediction["model_version"]) == ("answered", "v1")
    assert await shadow_items(served, "scored") == scored
    # Nor does the version that takes its place wait.
    await served.publisher.publish("v3", number_graph(2.0))
    await served.serving("v3")


async def test_a_shadow_that_cannot_score_says_so_in_its_rows(served: ServedRouter) -> None:
    unscored = await shadow_items(served, "unscored")
    failures = await served.metric("surehand_router_scoring_failures_total")
    await shadow(served, number_graph(slope=1e38))
    assert (await served.one(SURE, "a"))["decision"] == "answered"
    (row,) = await recorded(served, 1)
    assert (row.suggestion, row.confidence, row.probabilities) == (None, None, None)
    assert row.decision_suggestion == "positive"
    assert await shadow_items(served, "unscored") == unscored + 1
    assert await served.metric("surehand_router_scoring_failures_total") == failures


@pytest.mark.thorough
async def test_what_finds_no_room_is_dropped_and_counted(served: ServedRouter) -> None:
    await shadow(served, slow_graph())
    dropped = await shadow_items(served, "dropped")
    items = [{"data": {"score": 0.02}} for _ in range(1_000)]
    # Room is for 5,000; what the slow shadow takes meanwhile is far less than the rest.
    for _ in range(10):
        response = await served.predict(*items, review="never")
        assert response.status_code == 200
    lost = await shadow_items(served, "dropped") - dropped
    assert lost >= 1_000
    assert lost % 1_000 == 0


async def test_a_shadow_sees_what_the_challenger_answered(served: ServedRouter) -> None:
    for version, model in (("v2", number_graph(2.0)), ("v3", number_graph(-1.0))):
        digest = await served.publisher.put_version(version, model)
        await served.publisher.put_promise(**{version: entry_of(served.publisher.project, digest)})
    await served.publisher.put_champion("v1", challenger=("v2", 1.0), shadow=["v3"])

    async def loaded() -> bool:
        return len((await served.model())["loaded"]) == 3

    await wait_until(loaded)
    assert (await served.one(SURE, "a"))["model_version"] == "v2"
    (row,) = await recorded(served, 1)
    assert (row.model_version, row.decision_version) == ("v3", "v2")


async def test_without_a_shadow_nothing_is_recorded(served: ServedRouter) -> None:
    await served.one(SURE)
    assert list((served.home / "shadow").glob("*/*.jsonl")) == []


async def test_days_that_the_project_does_not_keep_are_removed(common: CommonSettings) -> None:
    store = Store(common.store_address)
    await store.write("shop/shadow/2020-01-01/r-1.jsonl.gz", b"")
    await store.write("shop/decisions/2020-01-01/r-1.jsonl.gz", b"")
    log = RowLog(
        SHADOW, common.home / "shadow", store, now=utc_now, retention=lambda: {"shop": 7.0}
    )
    async with log.running():

        async def removed() -> bool:
            return await store.files("shop/shadow") == []

        await wait_until(removed)
    assert len(await store.files("shop/decisions")) == 1


async def test_versions_are_idle_only_while_nothing_waits_to_be_answered(
    common: CommonSettings,
) -> None:
    publisher = Publisher(Store(common.store_address))
    await publisher.put_project()
    await publisher.publish("v1")
    versions = Versions(publisher.store, Doorbells(""), poll_seconds=0.01, threads=1)
    async with versions.watching():
        await wait_until(lambda: "shop" in versions.known())
        serving = (await versions.serving("shop")).serving
        assert serving is not None
        assert versions.idle
        scores = serving.batcher.score([{"score": SURE}])
        assert not versions.idle
        await scores
        await wait_until(lambda: versions.idle)
