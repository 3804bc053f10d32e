"""Predict, review, train, certify, predict: through a whole installation, and through faults."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import wait_until
from tests.harness.installation import Launched, launch

PROJECT = "/v1/projects/shop"
SPEC = {
    "labels": ["bad", "good"],
    "fields": {"text": {"type": "text"}},
    "promise": {
        "target_accuracy": 0.8,
        "confidence": 0.9,
        "certification_labels": 40,
        "min_population_span_seconds": 0,
    },
    "training": {"min_new_labels": 60},
}
WORDS = {"good": ["lovely", "fine", "great", "superb"], "bad": ["broken", "awful", "late", "poor"]}
THINGS = ["lamp", "kettle", "chair", "watch", "jacket"]


def _item(number: int) -> dict[str, Any]:
    choose = random.Random(number)
    side = choose.choice(["good", "bad"])
    words = [*choose.choices(WORDS[side], k=3), *choose.choices(THINGS, k=3), str(number)]
    return {"item_id": f"{side}/{number}", "data": {"text": " ".join(words)}}


@asynccontextmanager
async def _clients(launched: Launched) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    async with (
        launched.client("router", "caller") as router,
        launched.client("review_queue", "operator") as queue,
        launched.client("trainer", "operator") as trainer,
    ):
        yield {"router": router, "queue": queue, "trainer": trainer}


async def _review(queue: httpx.AsyncClient) -> int:
    """Answer all that can be leased at this moment; return how many."""
    answer = await queue.post(f"{PROJECT}/leases", json={"count": 100})
    leases = answer.raise_for_status().json()["leases"]
    for lease in leases:
        label = lease["task"]["item_id"].split("/")[0]
        answer = await queue.post(f"/v1/leases/{lease['token']}/verdict", json={"label": label})
        answer.raise_for_status()
    return len(leases)


async def test_one_command_runs_all_services_and_an_answer_of_a_person_is_told(
    tmp_path: Path,
) -> None:
    with launch(tmp_path / "home") as launched:
        async with _clients(launched) as http:
            router, queue, trainer = http["router"], http["queue"], http["trainer"]
            assert (await queue.put(PROJECT, json=SPEC)).status_code == 201
            item = _item(1)
            answer = await router.post(f"{PROJECT}/predict", json={"items": [item]})
            (prediction,) = answer.json()["predictions"]
            assert (prediction["decision"], prediction["reason"]) == ("in_review", "no_model")

            async def reviewed() -> bool:
                return await _review(queue) == 1

            await wait_until(reviewed)
            path = f"{PROJECT}/items/{item['item_id'].replace('/', '%2F')}/outcome"
            outcome = (await router.get(path)).json()
            assert outcome["label"] == item["item_id"].split("/")[0]

            async def learned() -> bool:
                answer = await trainer.get(f"{PROJECT}/labelling")
                return answer.status_code == 200 and answer.json()["labels"] == 1

            await wait_until(learned)


# `tests/console` closes the loop in one process, for `make test`.
@pytest.mark.thorough
async def test_loop_closes_although_redis_is_killed_and_wiped_again_and_again(
    tmp_path: Path,
) -> None:
    with launch(tmp_path / "home") as launched:
        async with _clients(launched) as http:
            router, queue, trainer = http["router"], http["queue"], http["trainer"]
            assert (await queue.put(PROJECT, json=SPEC)).status_code == 201
            pool = [_item(number) for number in range(150)]
            lines = "\n".join(json.dumps(item) for item in pool)
            headers = {"Content-Type": "application/x-ndjson"}
            await trainer.post(f"{PROJECT}/pool", content=lines, headers=headers)

            first = {"items": [_item(number) for number in range(1000, 1060)]}
            predictions = (await router.post(f"{PROJECT}/predict", json=first)).json()[
                "predictions"
            ]
            assert {one["reason"] for one in predictions} == {"no_model"}
            launched.child("redis").kill()

            async def certified() -> bool:
                await _review(queue)
                answer = await trainer.get(f"{PROJECT}/certificate")
                return bool(answer.json()["state"] == "certified")

            async def trained() -> bool:
                await _review(queue)
                return bool((await trainer.get(f"{PROJECT}/versions")).json()["versions"])

            await wait_until(trained)
            launched.child("redis").kill()
            await wait_until(certified)

            async def promises() -> bool:
                model = (await router.get(f"{PROJECT}/model")).json()
                return bool(model["promise"]["state"] == "certified")

            # Items that come before would be in review, and said to be so.
            await wait_until(promises)

            async def answered() -> list[dict[str, Any]]:
                more = {"items": [_item(number) for number in range(2000, 2040)]}
                answer = await router.post(f"{PROJECT}/predict", json=more)
                rows: list[dict[str, Any]] = answer.json()["predictions"]
                return [one for one in rows if one["decision"] == "answered"]

            sure = await wait_until(answered)
            assert all(one["label"] == one["item_id"].split("/")[0] for one in sure)
            assert all(one["model_version"] == "v1" for one in sure)

            async def told() -> list[dict[str, Any]]:
                ids = {"item_ids": [*(one["item_id"] for one in sure), "never-sent"]}
                answer = await router.post(f"{PROJECT}/outcomes", json=ids)
                rows: list[dict[str, Any]] = answer.json().get("outcomes", [])
                return rows

            *outcomes, never = await wait_until(told)
            assert never["status"] == "unknown"
            assert [one["label"] for one in outcomes] == [one["label"] for one in sure]
            assert {one["status"] for one in outcomes} == {"answered"}
            promise = outcomes[0]["promise"]
            assert promise["state"] == "certified"
            assert None not in promise.values()
            await _review(queue)
            for item in first["items"]:
                path = f"{PROJECT}/items/{item['item_id'].replace('/', '%2F')}/outcome"
                outcome = (await router.get(path)).json()
                assert outcome["label"] == item["item_id"].split("/")[0]


@pytest.mark.thorough
async def test_without_a_network_it_starts_empty_and_says_so(tmp_path: Path) -> None:
    with launch(
        tmp_path / "home",
        SUREHAND_DEMO="1",
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(tmp_path),
    ) as launched:
        await wait_until(lambda: "Surehand is ready" in launched.output.read_text())
        assert "Project `demo` was left out." in launched.output.read_text()
        assert not (tmp_path / "home" / "demo-seeded").exists()
        assert launched.stop() == 0
