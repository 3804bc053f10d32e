"""A challenger's share: sticky an item, under its own promise, and nothing of the champion's."""

import gzip
from typing import Any

import orjson
import pytest

from services.router.routing.draws import canary_draw
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.model_publisher import (
    SURE,
    THRESHOLD,
    Publisher,
    entry_of,
    number_graph,
)
from tests.integration.router.conftest import OpenRouter, ServedRouter

IDS = [f"item-{n}" for n in range(60)]
SHARE = 0.4


@pytest.fixture
def theirs(common: CommonSettings) -> list[str]:
    """Those of IDS that fall into the share of v2."""
    draw = canary_draw(common.secret.get_secret_value(), "shop", "v2", SHARE)
    return [IDS[i] for i in draw.taken(IDS)]


async def challenge(
    served: ServedRouter, model: bytes, /, share: float = SHARE, *, certified: bool = True
) -> None:
    """Let v2 of `model` have a share beside v1, and wait until it does."""
    digest = await served.publisher.put_version("v2", model)
    if certified:
        await served.publisher.put_promise(v2=entry_of(served.publisher.project, digest))
    await served.publisher.put_champion("v1", challenger=("v2", share))

    async def loaded() -> bool:
        status = await served.model()
        named: dict[str, Any] | None = status["challenger"]
        return named == {"version": "v2", "share": share} and "v2" in status["loaded"]

    await wait_until(loaded)


async def predict(
    served: ServedRouter, score: float = SURE, item_ids: list[str] = IDS, **body: Any
) -> dict[str, dict[str, Any]]:
    """Predict items of the same score; return the predictions by their ids."""
    items = [{"item_id": item_id, "data": {"score": score}} for item_id in item_ids]
    response = await served.predict(*items, **body)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["predictions"]
    assert [one["item_id"] for one in found] == item_ids
    return {one["item_id"]: one for one in found}


def versions(predictions: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {item_id: one["model_version"] for item_id, one in predictions.items()}


async def test_an_item_is_scored_by_the_version_that_its_id_draws(
    served: ServedRouter, theirs: list[str]
) -> None:
    # The same number is the opposite label to the challenger.
    await challenge(served, number_graph(slope=-1.0))
    assert 0 < len(theirs) < len(IDS)
    found = await predict(served)
    for item_id, one in found.items():
        version, label = ("v2", "negative") if item_id in theirs else ("v1", "positive")
        assert (one["model_version"], one["label"]) == (version, label)
        assert one["probabilities"][label] == pytest.approx(one["confidence"], abs=1e-6)
    # Asked alone or in another company, each item gets the same.
    again = await predict(served, item_ids=IDS[::-1])
    assert versions(again) == versions(found)
    alone = [await served.one(SURE, item_id) for item_id in IDS[:8]]
    assert [one["model_version"] for one in alone] == [versions(found)[i] for i in IDS[:8]]


async def test_items_whose_ids_we_give_are_drawn_like_any_other(served: ServedRouter) -> None:
    await challenge(served, number_graph(2.0), share=0.5)
    items = [{"data": {"score": SURE}} for _ in range(100)]
    found = (await served.predict(*items)).json()["predictions"]
    seen = [one["model_version"] for one in found]
    assert 20 < seen.count("v2") < 80
    again = await predict(served, item_ids=[one["item_id"] for one in found])
    assert list(versions(again).values()) == seen


async def test_each_version_answers_by_its_own_threshold(
    served: ServedRouter, theirs: list[str]
) -> None:
    digest = await served.publisher.put_version("v2", number_graph())
    strict = entry_of(served.publisher.project, digest, threshold=0.999)
    await served.publisher.put_promise(v2=strict)
    await served.publisher.put_champion("v1", challenger=("v2", SHARE))

    async def split() -> bool:
        return set(versions(await predict(served)).values()) == {"v1", "v2"}

    await wait_until(split)
    # P(positive) of 5 is 0.993: enough for v1, not for v2.
    items = [{"item_id": item_id, "data": {"score": SURE}} for item_id in IDS]
    answer = (await served.predict(*items)).json()
    for one in answer["predictions"]:
        strictly = one["item_id"] in theirs
        expected = ("in_review", "below_threshold") if strictly else ("answered", "confident")
        assert (one["decision"], one["reason"]) == expected
    assert answer["promise"]["threshold"] == pytest.approx(THRESHOLD)
    tasks = [task for _, batch in served.queue.batches for task in batch]
    sent = {task["item_id"]: task["prediction"] for task in tasks}
    assert set(sent) == set(theirs)
    assert {one["model_version"] for one in sent.values()} == {"v2"}


async def test_what_an_uncertified_challenger_scores_goes_to_people(
    served: ServedRouter, theirs: list[str]
) -> None:
    await challenge(served, number_graph(2.0), certified=False)
    for item_id, one in (await predict(served)).items():
        if item_id in theirs:
            found = (one["decision"], one["reason"], one["model_version"], one["suggestion"])
            assert found == ("in_review", "uncertified", "v2", "positive")
        else:
            assert (one["decision"], one["model_version"]) == ("answered", "v1")
    # The answer's promise is the champion's.
    items = [{"item_id": theirs[0], "data": {"score": SURE}}]
    promise = (await served.predict(*items)).json()["promise"]
    assert (promise["state"], promise["threshold"]) == ("certified", pytest.approx(THRESHOLD))
    declined = await predict(served, item_ids=theirs, review="never")
    assert {one["decision"] for one in declined.values()} == {"declined"}


async def test_what_a_challenger_cannot_score_does_not_fall_back_silently(
    served: ServedRouter, theirs: list[str]
) -> None:
    # Its logits overflow at 5.
    await challenge(served, number_graph(slope=1e38))
    for item_id, one in (await predict(served)).items():
        if item_id in theirs:
            found = (one["decision"], one["reason"], one["model_version"], one["suggestion"])
            assert found == ("in_review", "model_invalid", "v2", None)
        else:
            assert (one["decision"], one["model_version"]) == ("answered", "v1")


async def test_the_champion_takes_the_share_of_a_challenger_that_is_refused(
    served: ServedRouter,
) -> None:
    await served.publisher.put_version("v2", b"not a graph")
    await served.publisher.put_champion("v1", challenger=("v2", 1.0))
    assert "cannot load" in await served.refused("v2")
    assert set(versions(await predict(served)).values()) == {"v1"}
    assert (await served.caller.get("/readyz")).status_code == 200


async def test_a_share_of_nothing_and_an_ended_canary_are_the_champions(
    served: ServedRouter,
) -> None:
    await challenge(served, number_graph(2.0), share=0.0)
    assert set(versions(await predict(served)).values()) == {"v1"}
    await challenge(served, number_graph(2.0), share=1.0)
    assert set(versions(await predict(served)).values()) == {"v2"}
    await served.publisher.put_champion("v1")

    async def ended() -> bool:
        return list((await served.model())["loaded"]) == ["v1"]

    await wait_until(ended)
    assert set(versions(await predict(served)).values()) == {"v1"}


async def test_a_challenger_that_is_promoted_takes_all(served: ServedRouter) -> None:
    await challenge(served, number_graph(2.0))
    await served.publisher.put_champion("v2")
    await served.serving("v2")
    assert set(versions(await predict(served)).values()) == {"v2"}


async def test_the_decision_log_names_the_version_that_scored(
    served: ServedRouter, theirs: list[str]
) -> None:
    await challenge(served, number_graph(2.0))
    found = await predict(served)
    store = served.publisher.store

    async def shipped() -> dict[str, str]:
        logged: dict[str, str] = {}
        for path in await store.files("shop/decisions"):
            for line in gzip.decompress(await store.read(path) or b"").splitlines():
                row = orjson.loads(line)
                logged[row["item_id"]] = row["model_version"]
        return logged

    assert await wait_until(shipped) == versions(found)


async def test_every_replica_draws_the_same(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project()
    await publisher.publish("v1")
    async with open_router(queue_url) as one, open_router(queue_url) as other:
        await challenge(one, number_graph(2.0))

        async def loaded() -> bool:
            return "v2" in (await other.model())["loaded"]

        await wait_until(loaded)
        assert versions(await predict(one)) == versions(await predict(other))
