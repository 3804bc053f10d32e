"""A large pool: ``python -m bench pool --items 1000000``.

The whole installation runs as ``python -m services up`` starts it, on SQLite and a local folder. A
pool of made-up texts is imported as JSON lines. A batch is chosen by `typiclust`; people answer it
and a random one, from which a version is trained and certified. A batch is chosen by `margin`; then
a job labels the rest of the pool.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx

from bench.idle.main import Installation, installation
from bench.page import PAGE, put_between, run
from bench.pool.footprint import Footprint, watched
from bench.pool.rows import LABELS, bodies, label_of
from bench.serving.machine import NOT_PINNED, describe_machine
from bench.serving.report import NOTHING, table

_PROJECT = "pool"
_PATH = f"/v1/projects/{_PROJECT}"
_BATCH, _AT_RANDOM = 200, 300
_SPEC = {
    "labels": LABELS,
    "fields": {"text": {"type": "text"}},
    "promise": {"target_accuracy": 0.95, "confidence": 0.95, "certification_labels": 200},
    "training": {"recipe": "text-linear", "min_new_labels": _BATCH + _AT_RANDOM},
}
_BODY_ITEMS = 10_000
_LONGEST_SECONDS = 1_800.0
_LOOK_SECONDS = 1.0
_NAMES = ("trainer", "selection", "review queue")


@dataclass(frozen=True)
class Step:
    """One row of the table: what was done with how many items, and what it took."""

    what: str
    items: int
    took: Footprint


@dataclass(frozen=True)
class Work:
    """A running installation, an operator of the trainer, and a reviewer."""

    services: Installation
    trainer: httpx.AsyncClient
    reviewer: httpx.AsyncClient

    async def fill(self, items: int) -> Step:
        """Import the pool."""
        headers, done = {"Content-Type": "application/x-ndjson"}, 0
        async with watched(self.services.server) as took:
            for body in bodies(items, _BODY_ITEMS):
                answer = await self.trainer.post(f"{_PATH}/pool", content=body, headers=headers)
                done += int(answer.raise_for_status().json()["imported"])
                _say(f"imported {done:,}")
        return Step("import", done, took)

    async def ask(self, strategy: str, size: int) -> Step:
        """Ask people about a batch."""
        async with watched(self.services.server) as took:
            wanted = {"strategy": strategy, "size": size}
            answer = await self.trainer.post(f"{_PATH}/pool/batches", json=wanted)
            batch = answer.raise_for_status().json()
        assert batch["used"] == strategy, batch
        return Step(f"a batch by `{strategy}`", batch["tasks"], took)

    async def certify(self) -> None:
        """Answer what people are asked about until there is a certified version."""

        async def is_certified() -> bool:
            await self._answer()
            view = (await self.trainer.get(f"{_PATH}/certificate")).json()
            _say(f"certification: {view['state']} {view.get('detail') or ''}")
            if view["state"] == "failed":
                raise SystemExit(f"the version was not certified: {view['detail']}")
            return bool(view.get("valid_now"))

        await _until(is_certified)

    async def _answer(self) -> None:
        while True:
            asked = await self.reviewer.post(f"{_PATH}/leases", json={"count": 100})
            leases = asked.raise_for_status().json()["leases"]
            if not leases:
                return
            for lease in leases:
                body = {"label": label_of(lease["task"]["item_id"])}
                answer = await self.reviewer.post(f"/v1/leases/{lease['token']}/verdict", json=body)
                answer.raise_for_status()

    async def label_the_rest(self, asks: bool) -> Step:
        """Run the job over all that waits."""
        job: dict[str, int | str] = {}

        async def has_ended() -> bool:
            job.update((await self.trainer.get(url)).raise_for_status().json())
            _say(f"labelled: {job['rows']:,} rows, {job['answered']:,} answered")
            return job["state"] not in ("queued", "running")

        async with watched(self.services.server) as took:
            answer = await self.trainer.post(f"{_PATH}/pool/autolabel", json={"ask": asks})
            url = f"{_PATH}/jobs/{answer.raise_for_status().json()['job_id']}"
            await _until(has_ended, 4 * _LONGEST_SECONDS)
        assert job["state"] == "succeeded", job
        share = int(job["answered"]) / max(1, int(job["rows"]))
        asked = "the others asked about" if asks else "the others left"
        return Step(f"automatic labels ({share:.0%} answered, {asked})", int(job["rows"]), took)


async def measure(items: int, asks: bool) -> AsyncIterator[Step]:
    """Yield what each step took."""
    async with (
        installation() as services,
        services.client("trainer", "operator") as trainer,
        services.client("review_queue", "operator") as queue,
        services.client("review_queue", "reviewer") as reviewer,
    ):
        trainer.timeout = reviewer.timeout = httpx.Timeout(_LONGEST_SECONDS)
        work = Work(services, trainer, reviewer)
        (await queue.put(_PATH, json=_SPEC)).raise_for_status()
        yield await work.fill(items)
        yield await work.ask("typiclust", _BATCH)
        await work.ask("random", _AT_RANDOM)
        await work.certify()
        yield await work.ask("margin", _BATCH)
        yield await work.label_the_rest(asks)


async def _until(reached: Callable[[], Awaitable[bool]], seconds: float = _LONGEST_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not await reached():
        if time.monotonic() > deadline:
            raise SystemExit("it took too long")
        await asyncio.sleep(_LOOK_SECONDS)


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def row_of(step: Step) -> list[str]:
    """Return a step as a row of the table; processor time of all processes, for each item."""
    took = step.took
    cpu = sum(took.cpu.get(name, 0.0) for name in _NAMES)
    peaks = [f"{took.peak[name]:.0f}" if name in took.peak else NOTHING for name in _NAMES]
    each = f"{1000 * cpu / max(1, step.items):,.2f}"
    return [step.what, f"{step.items:,}", f"{took.seconds:,.0f}", f"{cpu:,.0f}", each, *peaks]


async def _measure_all(items: int, asks: bool) -> list[Step]:
    steps = []
    async for step in measure(items, asks):
        steps.append(step)
        _say(" | ".join(row_of(step)))
    return steps


def main(arguments: list[str]) -> None:
    """Print the table; with `--write` put it into the page."""
    parser = argparse.ArgumentParser(prog="python -m bench pool", description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--ask", action="store_true", help="ask people about what is not answered")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    steps = run(_measure_all(asked.items, asked.ask))
    header = ["step", "items", "s", "CPU s", "CPU ms an item"]
    header += [f"{name}, peak MiB" for name in _NAMES]
    about = describe_machine(NOT_PINNED, ("fastapi", "sqlalchemy", "onnxruntime"), ())
    lines = [*about, f"Form: {asked.items:,} items, SQLite, local folder."]
    text = "\n".join(
        [*(f"- {line}" for line in lines), "", table(header, [row_of(step) for step in steps])]
    )
    print(text)
    if asked.write:
        PAGE.write_text(put_between(PAGE.read_text(), "pool", text))
