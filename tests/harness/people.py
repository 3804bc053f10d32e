"""A real review queue for a router, and the people who answer its tasks."""

import contextlib
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from services.review_queue.app import create_app
from services.review_queue.lifecycle.repository import reading
from services.review_queue.lifecycle.repository.writing import write
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import Ground
from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.contracts.base import task_id_for
from shared.db import Database
from shared.settings import CommonSettings
from tests.harness import client, serve
from tests.harness.model_publisher import project_of

SPEC = {"labels", "fields", "metadata", "promise"}


@dataclass
class People:
    """A review queue with project `shop`, as an operator and its reviewers see it."""

    operator: httpx.AsyncClient
    keys: Keys

    @property
    def url(self) -> str:
        """Where the queue is."""
        return str(self.operator.base_url)

    async def answer(self, item_id: str, label: str) -> None:
        """Give a verdict on an item, on behalf of a reviewer."""
        path = f"/v1/projects/shop/tasks/{task_id_for('shop', item_id)}/verdicts"
        given = await self.operator.post(path, json={"reviewer": "r1", "label": label})
        assert given.status_code == 200, given.text

    async def review(self, label: str) -> None:
        """Lease one task and give a verdict."""
        async with self.reviewer("r1") as reviewer:
            leases = await reviewer.post("/v1/projects/shop/leases", json={"wait_seconds": 5})
            (lease,) = leases.json()["leases"]
            path = f"/v1/leases/{lease['token']}/verdict"
            given = await reviewer.post(path, json={"label": label})
            assert given.status_code == 200, given.text

    async def give_up(self) -> None:
        """Let one reviewer after another skip the task that waits, until nobody is left to ask."""
        resolved, name = False, 0
        while not resolved:
            name += 1
            async with self.reviewer(f"skipper-{name}") as reviewer:
                leases = await reviewer.post("/v1/projects/shop/leases", json={"wait_seconds": 5})
                (lease,) = leases.json()["leases"]
                skipped = await reviewer.post(f"/v1/leases/{lease['token']}/skip")
                resolved = skipped.json()["state"] == "resolved"

    def reviewer(self, name: str) -> httpx.AsyncClient:
        """Return a client of the queue that is one reviewer's."""
        return client(self.url, self.keys.issue("reviewer", name))


@contextlib.asynccontextmanager
async def open_people(
    common: CommonSettings, keys: Keys, database_url: str, port: int = 0
) -> AsyncIterator[People]:
    """Serve a review queue on a migrated database while the block lasts."""
    app = create_app(common, ReviewQueueSettings(database_url=database_url))
    async with serve(app, port) as url, client(url, keys.issue("operator", "o")) as operator:
        spec = project_of().model_dump(mode="json", include=SPEC)
        created = await operator.put("/v1/projects/shop", json=spec)
        assert created.status_code in (200, 201), created.text
        yield People(operator, keys)


async def resolve_at_once(database_url: str, item_ids: Collection[str], label: str) -> None:
    """Resolve the tasks of all these items in one transaction: the greatest burst there can be."""
    database = Database(database_url)
    async with database.transaction() as session:
        task_ids = [task_id_for("shop", item_id) for item_id in item_ids]
        tasks = await reading.tasks(session, task_ids, lock=True)
        changes = [Change(tasks[task_id], datetime.now(UTC)) for task_id in task_ids]
        for change in changes:
            change.resolve(label, Ground(1, True, 1))
        await write(session, changes)
    await database.dispose()
