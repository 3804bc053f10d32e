"""The trainer and the review queue over real HTTP, and people who answer in no time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import orjson
from fastapi import FastAPI

from services.review_queue.app import create_app as create_queue
from services.review_queue.settings import ReviewQueueSettings
from services.trainer.app import create_app as create_trainer
from services.trainer.resources import Resources
from services.trainer.settings import TrainerSettings
from shared.auth import Keys
from shared.contracts.base import utc_now
from shared.settings import CommonSettings
from shared.store import Store
from tests.harness import client, serve, wait_until
from tests.harness.databases import create_tables

PROJECT = "toys"
GOOD = ("splendid", "lovely", "great", "delightful", "superb")
BAD = ("awful", "dreadful", "poor", "horrible", "broken")
NEUTRAL = ("box", "colour", "parcel", "shop", "price", "street", "paper", "morning")

_CALLS_AT_ONCE = 25
Truth = Callable[[dict[str, Any]], str | None]


def review(index: int) -> dict[str, Any]:
    """A review whose label a linear model learns from a hundred of its kind."""
    words = GOOD if index % 2 else BAD
    pick = [words[(index // 2) % 5], words[(index // 10) % 5]]
    filler = [NEUTRAL[index % 8], NEUTRAL[(index // 8) % 8]]
    return {"text": f"the {filler[0]} was {pick[0]} and the {filler[1]} {pick[1]} number{index}"}


def truth(data: dict[str, Any]) -> str | None:
    """What every person says of a review."""
    return "positive" if any(word in data["text"] for word in GOOD) else "negative"


def project_spec(**changes: Any) -> dict[str, Any]:
    """A project with an easy promise and small numbers; `changes` go into its sections."""
    spec: dict[str, Any] = {
        "title": "Toys",
        "labels": ["negative", "positive"],
        "fields": {"text": {"type": "text"}},
        "metadata": ["channel"],
        "promise": {
            "target_accuracy": 0.8,
            "confidence": 0.9,
            "certification_labels": 40,
            "min_population_span_seconds": 0,
            "holdout_rate": 0,
        },
        "training": {"min_new_labels": 60},
    }
    for section, values in changes.items():
        spec[section] = {**spec.get(section, {}), **values} if isinstance(values, dict) else values
    return spec


async def at_once(calls: Sequence[Awaitable[object]]) -> None:
    """Make calls a few at a time: the review queue takes those that wait in one transaction."""
    for first in range(0, len(calls), _CALLS_AT_ONCE):
        await asyncio.gather(*calls[first : first + _CALLS_AT_ONCE])


@dataclass
class TrainerAndQueue:
    """Clients of both services, for one project."""

    common: CommonSettings
    trainer: httpx.AsyncClient
    queue: httpx.AsyncClient
    reviewer: httpx.AsyncClient
    app: FastAPI
    queue_app: FastAPI
    answers: Truth = truth
    verdicts: int = field(default=0)

    @property
    def store(self) -> Store:
        """The object store of both."""
        return Store(self.common.store_address)

    @property
    def resources(self) -> Resources:
        """What the trainer works with."""
        resources: Resources = self.app.state.resources
        return resources

    async def put_project(self, **changes: Any) -> None:
        """Create or replace the project."""
        response = await self.queue.put(f"/v1/projects/{PROJECT}", json=project_spec(**changes))
        assert response.is_success, response.text

    async def get(self, path: str) -> Any:
        """Return what the trainer says at `path` of the project."""
        response = await self.trainer.get(f"/v1/projects/{PROJECT}/{path}")
        assert response.is_success, response.text
        return response.json()

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        """Post to the trainer at `path` of the project."""
        return await self.trainer.post(f"/v1/projects/{PROJECT}/{path}", json=body)

    async def import_pool(self, start: int, stop: int) -> Any:
        """Import reviews by their numbers."""
        lines = b"\n".join(
            orjson.dumps({"item_id": f"item-{i}", "data": review(i)}) for i in range(start, stop)
        )
        response = await self.trainer.post(
            f"/v1/projects/{PROJECT}/pool",
            content=lines,
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert response.is_success, response.text
        return response.json()

    async def answer_all(self, limit: int = 10_000) -> int:
        """Lease and answer every task there is, up to `limit`; return how many."""
        answered = 0
        while answered < limit:
            response = await self.reviewer.post(
                f"/v1/projects/{PROJECT}/leases", json={"count": min(100, limit - answered)}
            )
            assert response.is_success, response.text
            leases = response.json()["leases"]
            if not leases:
                break
            await at_once([self._answer(lease) for lease in leases])
            answered += len(leases)
        self.verdicts += answered
        return answered

    async def _answer(self, lease: dict[str, Any]) -> None:
        label = self.answers(lease["task"]["data"])
        path, body = ("skip", {}) if label is None else ("verdict", {"label": label})
        response = await self.reviewer.post(f"/v1/leases/{lease['token']}/{path}", json=body)
        assert response.is_success, response.text

    async def label_and_train(self, items: int = 60) -> None:
        """Ask for `items` of the pool, answer them, and wait for the version they make."""
        before = len((await self.get("versions"))["versions"])
        response = await self.post("pool/batches", {"strategy": "random", "size": items})
        assert response.json()["tasks"] == items, response.text
        answered = 0

        async def is_answered() -> bool:
            # A batch that the review queue is slow to take is posted by the worker.
            nonlocal answered
            answered += await self.answer_all()
            return answered >= items

        await wait_until(is_answered)
        assert answered == items

        async def is_published() -> bool:
            return len((await self.get("versions"))["versions"]) > before

        await wait_until(is_published)

    async def certificate(self, *states: str, answering: bool = False) -> Any:
        """Wait, answering what is asked or not, for the certification to be in such a state."""

        async def reached() -> Any:
            if answering:
                await self.answer_all()
            view = await self.get("certificate")
            return view if view["state"] in states else None

        return await wait_until(reached)


@contextlib.asynccontextmanager
async def run_trainer_and_queue(
    common: CommonSettings,
    keys: Keys,
    database_url: str,
    *,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[TrainerAndQueue]:
    """Run both services; the trainer's SQL is at `database_url`."""
    queue_url = f"sqlite+aiosqlite:///{common.home / 'queue.db'}"
    await create_tables("review_queue", queue_url)
    await create_tables("trainer", database_url)
    async with contextlib.AsyncExitStack() as stack:
        queue_app = create_queue(common, ReviewQueueSettings(database_url=queue_url))
        queue_base = await stack.enter_async_context(serve(queue_app))
        wired = common.model_copy(update={"review_queue_url": queue_base})
        app = create_trainer(wired, TrainerSettings(database_url=database_url), now=now)
        trainer_base = await stack.enter_async_context(serve(app))
        operator, reviewer = keys.issue("operator", "op"), keys.issue("reviewer", "r1")
        yield TrainerAndQueue(
            common=wired,
            trainer=await stack.enter_async_context(client(trainer_base, operator)),
            queue=await stack.enter_async_context(client(queue_base, operator)),
            reviewer=await stack.enter_async_context(client(queue_base, reviewer)),
            app=app,
            queue_app=queue_app,
        )
