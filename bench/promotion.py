"""From the last verdict to a new version that is live: ``python -m bench promotion``.

The whole installation runs as ``python -m services up`` starts it, on SQLite and a local folder. A
project gets half of its labels and a first version; then all others but one, and at last one
verdict, which starts a run. Measured is how long it takes until the router has loaded the version
that the gate lets take over from the uncertified champion, and where the time goes.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import orjson

from bench.idle.main import installation
from bench.page import run

_PROJECT = "promoted"
_WORDS, _NOISE = 4_000, 0.25
_LONGEST_SECONDS = 600.0


@dataclass(frozen=True)
class Measured:
    """Seconds of each step, and together."""

    labels: int
    to_run: float
    run: float
    to_live: float
    together: float


def _rows(start: int, stop: int, noise: float) -> Iterator[dict[str, Any]]:
    """Yield texts of twenty made-up words, of which some tell the label."""
    for number in range(start, stop):
        rng = random.Random(number)
        is_good = number % 2 == 0
        told = rng.choices(range(200) if is_good else range(200, 400), k=2)
        words = told + rng.choices(range(400, _WORDS), k=18)
        label = is_good if rng.random() >= noise else not is_good
        yield {
            "item_id": f"item-{number}",
            "data": {"text": " ".join(f"word{one}" for one in words)},
            "lane": "pool",
            "label": "positive" if label else "negative",
        }


async def measure(labels: int, recipe: str) -> Measured:
    """Return how long a promotion takes with so many labels."""
    async with (
        installation() as running,
        running.client("review_queue", "operator") as queue,
        running.client("trainer", "operator") as trainer,
        running.client("router", "caller") as router,
    ):
        half = labels // 2
        await _put(queue, half, recipe)
        await _import(queue, _rows(0, half, _NOISE))
        await _live(router, "v1")
        await _put(queue, labels - half, recipe)
        await _import(queue, _rows(half, labels - 1, 0.0))
        last = next(_rows(labels - 1, labels, 0.0))
        task = {key: last[key] for key in ("item_id", "data", "lane")}
        added = await queue.post(f"/v1/projects/{_PROJECT}/tasks", json={"tasks": [task]})
        task_id = added.raise_for_status().json()["tasks"][0]["task_id"]
        await _settled(trainer)
        path = f"/v1/projects/{_PROJECT}/tasks/{task_id}/verdicts"
        body = {"reviewer": "bench", "label": last["label"]}
        began = time.time()
        (await queue.post(path, json=body)).raise_for_status()
        await _live(router, "v2")
        ended = time.time()
        runs = (await trainer.get(f"/v1/projects/{_PROJECT}/runs")).json()["runs"]
        newest = next(one for one in runs if one["version"] == "v2")
        started, finished = (_seconds(newest[key]) for key in ("started_at", "finished_at"))
        return Measured(
            labels, started - began, finished - started, ended - finished, ended - began
        )


async def _put(queue: httpx.AsyncClient, min_new_labels: int, recipe: str) -> None:
    spec = {
        "labels": ["negative", "positive"],
        "fields": {"text": {"type": "text"}},
        "training": {"recipe": recipe, "min_new_labels": min_new_labels},
    }
    (await queue.put(f"/v1/projects/{_PROJECT}", json=spec)).raise_for_status()


async def _import(queue: httpx.AsyncClient, rows: Iterator[dict[str, Any]]) -> None:
    body = b"\n".join(orjson.dumps(row) for row in rows)
    headers = {"Content-Type": "application/x-ndjson"}
    path = f"/v1/projects/{_PROJECT}/import"
    answer = await queue.post(path, content=body, headers=headers)
    answer.raise_for_status()
    assert not answer.json()["rejected"], answer.text


async def _live(router: httpx.AsyncClient, version: str) -> None:
    """Wait until the router answers by the version."""

    async def is_live() -> bool:
        answer = await router.get(f"/v1/projects/{_PROJECT}/model")
        return bool(answer.is_success and answer.json().get("serving") == version)

    await _until(is_live)


async def _settled(trainer: httpx.AsyncClient) -> None:
    """Give the trainer time to read the labels, and wait until no run is under way."""

    async def is_read() -> bool:
        runs = (await trainer.get(f"/v1/projects/{_PROJECT}/runs")).json()["runs"]
        return all(one["state"] not in ("queued", "running") for one in runs)

    await asyncio.sleep(5)
    await _until(is_read)


async def _until(reached: Any) -> None:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not await reached():
        if time.monotonic() > deadline:
            raise SystemExit("it took too long")
        await asyncio.sleep(0.05)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


async def _measure_all(counts: list[int], recipe: str) -> list[Measured]:
    return [await measure(count, recipe) for count in counts]


def main(arguments: list[str]) -> None:
    """Print a line for each count of labels."""
    parser = argparse.ArgumentParser(prog="python -m bench promotion", description=__doc__)
    parser.add_argument("--labels", type=int, nargs="+", default=[1_000, 5_000])
    parser.add_argument("--recipe", default="text-linear")
    asked = parser.parse_args(arguments)
    print("labels | verdict to run | run | run to live | together, s")
    for one in run(_measure_all(asked.labels, asked.recipe)):
        print(
            f"{one.labels:6,d} | {one.to_run:6.1f} | {one.run:6.1f} | {one.to_live:6.1f} | "
            f"{one.together:6.1f}"
        )
