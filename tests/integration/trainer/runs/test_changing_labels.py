"""Labels that are new, removed, renamed or merged, or have few examples; and recipe auto."""

from typing import Any

import pytest

from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, TrainerAndQueue, run_trainer_and_queue

pytestmark = pytest.mark.thorough

FIELDS = {
    "text": {"type": "text"},
    "size": {"type": "number", "optional": True},
    "colour": {"type": "category", "values": ["red", "green", "unseen"]},
}
WORDS = {"bad": "awful broken", "poor": "meagre dull", "good": "lovely great", "odd": "strange"}


def item(label: str, number: int) -> dict[str, Any]:
    place = list(WORDS).index(label)
    return {
        "text": f"it was {WORDS[label]} indeed {number}",
        "size": None if number % 9 == 0 else 10 * place + number % 5,
        "colour": ("red", "green")[number % 2],
    }


def meant(data: dict[str, Any]) -> str:
    return next(label for label, words in WORDS.items() if words in data["text"])


async def label(both: TrainerAndQueue, name: str, count: int, start: int = 0) -> None:
    tasks = [
        {"item_id": f"{name}-{n}", "data": item(name, n), "lane": "mandatory"}
        for n in range(start, start + count)
    ]
    response = await both.queue.post(f"/v1/projects/{PROJECT}/tasks", json={"tasks": tasks})
    assert response.is_success, response.text
    both.answers = meant
    assert await both.answer_all() == count


async def patch(both: TrainerAndQueue, body: dict[str, Any]) -> None:
    path = f"/v1/projects/{PROJECT}?allow_label_removal=true"
    response = await both.queue.patch(path, json=body)
    assert response.is_success, response.text


async def train(both: TrainerAndQueue, recipe: str) -> dict[str, Any]:
    """Train, and return the run with the labels that it learned from and its version's manifest."""

    async def started() -> Any:
        response = await both.post("runs", {"recipe": recipe})
        return response.json() if response.status_code == 202 else None

    run = await wait_until(started)

    async def ended() -> Any:
        found = await both.get(f"runs/{run['run_id']}")
        return found if found["state"] in {"succeeded", "failed"} else None

    run = await wait_until(ended)
    assert run["state"] == "succeeded", run
    run["labels"] = (await both.get(f"datasets/{run['dataset_id']}"))["labels"]
    run["manifest"] = (await both.get(f"versions/{run['version']}"))["manifest"]
    return dict(run)


@pytest.mark.parametrize("recipe", ["text-linear", "tabular"])
async def test_labels_come_and_go(
    common: CommonSettings, keys: Keys, sqlite_url: str, recipe: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project(
            labels=["bad", "poor", "good"], fields=FIELDS, training={"min_new_labels": 1_000_000}
        )
        for name in ("bad", "poor", "good"):
            await label(both, name, 20)
        first = await train(both, recipe)
        assert first["labels"] == {"bad": 20, "good": 20, "poor": 20}

        # Merged into another one, which is renamed too; and a label that is new.
        mapping = {"poor": "wrong", "bad": "wrong"}
        await patch(both, {"labels": ["wrong", "good", "odd"], "label_mapping": mapping})
        second = await train(both, recipe)
        assert second["labels"] == {"good": 20, "wrong": 40}
        assert second["manifest"]["labels"] == ["wrong", "good", "odd"]
        assert second["manifest"]["metrics"]["accuracy"] > 0.9
        unseen = "no example of odd: never predicted, so never answered"
        assert unseen in second["report"]["notes"]

        # One example: the run goes on without it, and says so.
        await label(both, "odd", 1)
        third = await train(both, recipe)
        assert third["labels"]["odd"] == 1
        assert any("a single example of odd" in note for note in third["report"]["notes"])

        # Enough of them; and a label is removed with its examples.
        await label(both, "odd", 14, start=1)
        await patch(both, {"labels": ["wrong", "odd"]})
        fourth = await train(both, recipe)
        assert fourth["labels"] == {"odd": 15, "wrong": 40}
        assert fourth["manifest"]["metrics"]["accuracy"] > 0.9
        # The version of other labels answers no more: the new one took its place.
        assert (await both.get("versions"))["versions"][0]["channels"] == ["champion"]


async def test_auto_says_what_it_compared(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project(
            labels=["bad", "good"],
            fields=FIELDS,
            training={"min_new_labels": 1_000_000, "recipe": "auto"},
        )
        await label(both, "bad", 20)
        await label(both, "good", 20)
        run = await train(both, "auto")
        report = run["report"]
        assert report == run["manifest"]["report"]
        tried = {one["recipe"]: one for one in report["candidates"]}
        assert {"tabular", "text-linear"} <= set(tried)
        assert tried[report["chosen"]]["state"] == "fitted"
        assert tried["tabular"]["micros_per_item"] > 0
        assert report["reasons"][0].startswith(f"{report['chosen']}: ")
        assert run["manifest"]["recipe"] == "auto"
