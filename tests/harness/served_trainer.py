"""A served trainer, with one project and the stand-in behind it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from services.trainer.app import create_app
from services.trainer.settings import TrainerSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from shared.store import Store, project_path
from tests.harness import client, serve
from tests.harness.databases import create_tables
from tests.harness.stand_in_queue import StandInQueue
from tests.harness.trainer_and_queue import PROJECT
from tests.harness.trainer_parts import make_project

ROOT = f"/v1/projects/{PROJECT}"
NDJSON = {"Content-Type": "application/x-ndjson"}
CSV = {"Content-Type": "text/csv"}


@dataclass
class ServedTrainer:
    """The trainer's base URL, its operator, and the stand-in behind it."""

    base: str
    operator: httpx.AsyncClient
    queue: StandInQueue

    async def import_lines(self, *lines: Any) -> Any:
        """Import lines, as JSON or as they are."""
        body = b"\n".join(x if isinstance(x, bytes) else orjson.dumps(x) for x in lines)
        response = await self.operator.post(f"{ROOT}/pool", content=body, headers=NDJSON)
        assert response.status_code == 200, response.text
        return response.json()

    async def import_csv(self, text: str | bytes) -> httpx.Response:
        """Import CSV."""
        return await self.operator.post(f"{ROOT}/pool", content=text, headers=CSV)


@contextlib.asynccontextmanager
async def serve_trainer(
    common: CommonSettings,
    keys: Keys,
    database_url: str,
    limits: dict[str, int] | None = None,
    **changes: Any,
) -> AsyncIterator[ServedTrainer]:
    """Serve the trainer, with `limits` among its settings, and one project, with `changes`."""
    await create_tables("trainer", database_url)
    queue = StandInQueue()
    store = Store(common.store_address)
    await store.write_document(project_path(PROJECT), make_project(**changes))
    async with serve(queue.app()) as queue_base:
        wired = common.model_copy(update={"review_queue_url": queue_base})
        settings = TrainerSettings(database_url=database_url).model_copy(update=limits)
        app = create_app(wired, settings)
        async with serve(app) as base, client(base, keys.issue("operator", "op")) as operator:
            yield ServedTrainer(base, operator, queue)
