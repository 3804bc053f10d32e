"""What the router answered, told afterwards by way of the trainer's ledger."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from shared.auth import Role
from shared.checkpoints import Acknowledged, acknowledged_path
from shared.contracts.base import task_id_for, utc_now
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.model_publisher import SURE, UNSURE, Publisher
from tests.harness.people import People
from tests.integration.router.conftest import OpenRouter, ServedRouter


@pytest.fixture
async def served(
    open_router: OpenRouter, publisher: Publisher, people: People, trainer_url: str
) -> AsyncIterator[ServedRouter]:
    """A router with certified champion v1, in front of a real review queue and a real trainer."""
    await publisher.publish("v1")
    async with open_router(people.url, trainer_url=trainer_url) as opened:
        yield opened


async def ask(served: ServedRouter, *item_ids: str) -> httpx.Response:
    return await served.caller.post("/v1/projects/shop/outcomes", json={"item_ids": list(item_ids)})


async def told(served: ServedRouter, item_id: str = "a") -> dict[str, Any]:
    """Ask until there is an outcome: a busy machine may take longer than the router waits."""
    path = f"/v1/projects/shop/items/{quote(item_id, safe='')}/outcome"

    async def found() -> dict[str, Any] | None:
        answer = await served.caller.get(path)
        return dict(answer.json()) if answer.status_code == 200 else None

    return await wait_until(found) or {}


async def told_of(served: ServedRouter, *item_ids: str) -> list[dict[str, Any]]:
    """Ask for many, likewise."""

    async def found() -> list[dict[str, Any]] | None:
        answer = await ask(served, *item_ids)
        return list(answer.json()["outcomes"]) if answer.status_code == 200 else None

    return await wait_until(found) or []


async def refusal_of(served: ServedRouter, problem: str, item_id: str = "never") -> httpx.Response:
    """Ask until the refusal is of this kind: the review queue may have been slow."""

    async def found() -> httpx.Response | None:
        answer = await served.caller.get(f"/v1/projects/shop/items/{item_id}/outcome")
        assert answer.status_code == 503, answer.text
        return answer if answer.json()["type"] == f"urn:surehand:problem:{problem}" else None

    refusal = await wait_until(found)
    assert refusal is not None
    assert "Retry-After" in refusal.headers
    return refusal


async def audit_all(served: ServedRouter) -> None:
    served.publisher.audit_rate = 1.0
    await served.publisher.put_promise()
    await served.serving_revision(served.publisher.revision)


async def test_an_answer_is_told_at_once_and_an_item_that_no_router_decided_is_unknown(
    served: ServedRouter,
) -> None:
    served.publisher.audit_rate = 0.0
    await served.publisher.put_promise()
    await served.serving_revision(served.publisher.revision)
    answer = await served.one(SURE, "order/17")
    found = await told(served, "order/17")
    assert found == {
        "item_id": "order/17",
        "status": "answered",
        "label": answer["label"],
        "source": None,
        "task_id": None,
        "revision": None,
        "resolved_at": None,
        "model_version": "v1",
        "decided_at": answer["decided_at"],
        "audited": False,
        "promise": {
            "state": "certified",
            "target_accuracy": None,
            "confidence": None,
            "threshold": None,
        },
    }
    found = await told(served, "never-seen")
    assert (found["status"], found["label"]) == ("unknown", None)
    assert "decided_at" not in found


async def test_an_audited_answer_is_told_until_reviewers_resolve_it(
    served: ServedRouter, people: People
) -> None:
    await audit_all(served)
    answer = await served.one(SURE)
    found = await told(served)
    assert (found["status"], found["label"]) == ("answered", answer["label"])
    assert (found["audited"], found["task_id"]) == (True, task_id_for("shop", "a"))
    await served.drained()
    assert (await told(served))["status"] == "answered"
    await people.review("negative")
    found = await told(served)
    assert (found["status"], found["label"], found["source"]) == ("resolved", "negative", "human")
    assert "audited" not in found


async def test_a_batch_tells_of_each_item_in_its_order(
    served: ServedRouter, people: People
) -> None:
    served.publisher.audit_rate = 0.0
    await served.publisher.put_promise()
    await served.serving_revision(served.publisher.revision)
    await served.one(UNSURE, "resolved")
    await people.answer("resolved", "negative")
    await served.one(UNSURE, "waiting")
    await served.one(SURE, "answered")
    await served.one(UNSURE, "declined", review="never")
    erased = await people.operator.delete("/v1/projects/shop/items/erased")
    assert erased.status_code == 200
    names = ["declined", "unknown", "answered", "erased", "waiting", "resolved"]
    outcomes = await told_of(served, *names)
    assert [one["item_id"] for one in outcomes] == names
    expected = ["declined", "unknown", "answered", "erased", "in_review", "resolved"]
    assert [one["status"] for one in outcomes] == expected
    assert outcomes[0]["label"] is None
    assert outcomes[0]["decided_at"] is not None


async def test_the_decision_that_was_received_last_is_told(
    served: ServedRouter, publisher: Publisher
) -> None:
    first = await served.one(SURE)
    await publisher.publish("v2")
    await served.serving("v2")
    second = await served.one(SURE)
    found = await told(served)
    assert first["model_version"] == "v1"

    async def is_second() -> bool:
        # The first row may have been read before the second one was shipped.
        return bool((await told(served))["model_version"] == "v2")

    await wait_until(is_second)
    assert found["status"] == "answered"
    assert second["model_version"] == "v2"


async def test_without_a_trainer_reviewers_outcomes_are_told_and_nothing_is_unknown(
    open_router: OpenRouter, publisher: Publisher, people: People, away_url: str
) -> None:
    await publisher.publish("v1")
    async with open_router(people.url, trainer_url=away_url) as served:
        await served.one(UNSURE, "waiting")
        await served.one(UNSURE, "resolved")
        await people.answer("resolved", "positive")
        assert (await told(served, "waiting"))["status"] == "in_review"
        assert (await told(served, "resolved"))["label"] == "positive"
        outcomes = await told_of(served, "waiting", "resolved")
        assert [one["status"] for one in outcomes] == ["in_review", "resolved"]
        await refusal_of(served, "trainer-unreachable")
        assert (await ask(served, "waiting", "never")).status_code == 503


async def test_two_routers_tell_of_one_anothers_answers(
    served: ServedRouter,
    open_router: OpenRouter,
    people: People,
    trainer_url: str,
    common: CommonSettings,
) -> None:
    # Another host: a home of its own, the same store.
    elsewhere = common.home / "elsewhere"
    elsewhere.mkdir()
    changes: dict[str, Any] = {
        "home": elsewhere,
        "store_url": common.store_address,
        "public_keys_dir": common.keys_folder,
    }
    async with open_router(people.url, trainer_url=trainer_url, **changes) as other:
        answer = await other.one(SURE, "b")
        found = await told(served, "b")
        assert (found["status"], found["label"]) == ("answered", answer["label"])


@pytest.mark.thorough
async def test_a_process_that_has_not_shipped_makes_the_answer_503(
    served: ServedRouter,
) -> None:
    store, dead = served.publisher.store, acknowledged_path("0199-dead")
    await store.write_document(dead, Acknowledged(checkpoint=0, written_at=utc_now()))
    await served.one(SURE)
    # What the ledger has can be told.
    assert (await told(served))["status"] == "answered"
    refusal = await refusal_of(served, "outcome-unsettled")
    assert dead in refusal.json()["detail"]
    await store.delete(dead)
    assert (await told(served, "never"))["status"] == "unknown"


@pytest.mark.thorough
async def test_a_router_of_the_release_before_makes_the_answer_503(served: ServedRouter) -> None:
    store, old = served.publisher.store, "index/router-001790000000-0199.json"
    await store.write(old, b"{}")
    await refusal_of(served, "outcome-unsettled")
    await store.delete(old)
    assert (await told(served, "never"))["status"] == "unknown"


async def test_a_batch_has_bounds_and_is_for_callers(served: ServedRouter) -> None:
    for item_ids in ([], [str(n) for n in range(1001)], [""]):
        refusal = await ask(served, *item_ids)
        assert refusal.status_code == 422, item_ids
    thousand = await told_of(served, *(str(n) for n in range(1000)))
    assert {one["status"] for one in thousand} == {"unknown"}
    roles: list[Role] = ["reviewer", "service"]
    for role in roles:
        headers = {"Authorization": f"Bearer {served.keys.issue(role, 'x')}"}
        path, body = "/v1/projects/shop/outcomes", {"item_ids": ["a"]}
        refusal = await served.caller.post(path, json=body, headers=headers)
        assert refusal.status_code == 403, role


async def test_a_call_that_waits_is_told_of_an_answer_at_once(served: ServedRouter) -> None:
    served.publisher.audit_rate = 0.0
    await served.publisher.put_promise()
    await served.serving_revision(served.publisher.revision)
    await served.one(SURE)
    # On a busy machine the ledger may learn of it later than a call waits.
    assert (await told(served))["status"] == "answered"
    started = asyncio.get_running_loop().time()
    assert (await served.outcome("a", wait_seconds=60))["status"] == "answered"
    assert asyncio.get_running_loop().time() - started < 60
