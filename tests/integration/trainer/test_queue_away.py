"""The trainer's API while the review queue is away, or takes connections and answers none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import orjson
import pytest

from services.trainer.app import create_app
from services.trainer.queue_client import QueueAway, QueueClient
from services.trainer.settings import TrainerSettings
from shared.auth import Keys
from shared.contracts.tasks import OutcomeFeed
from shared.settings import CommonSettings
from shared.store import Store, project_path
from tests.harness import client, free_port, serve, wait_until_ready
from tests.harness.databases import create_tables
from tests.harness.trainer_and_queue import PROJECT, review
from tests.harness.trainer_parts import make_project

ROOT = f"/v1/projects/{PROJECT}"
PATHS = ["pool", "runs", "versions", "certificate", "audit", "decisions"]


@contextlib.asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Take connections, and answer nothing."""
    writers: list[asyncio.StreamWriter] = []

    async def keep(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in writers:
            writer.close()
        server.close()


@pytest.fixture(params=["away", pytest.param("silent", marks=pytest.mark.thorough)])
async def queue_url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    if request.param == "away":
        yield f"http://127.0.0.1:{free_port()}"
        return
    async with silent_server() as url:
        yield url


async def test_all_routes_answer_and_what_is_asked_for_waits_for_the_queue(
    common: CommonSettings, keys: Keys, sqlite_url: str, queue_url: str
) -> None:
    await create_tables("trainer", sqlite_url)
    await Store(common.store_address).write_document(project_path(PROJECT), make_project())
    wired = common.model_copy(update={"review_queue_url": queue_url})
    app = create_app(wired, TrainerSettings(database_url=sqlite_url))
    async with serve(app) as base, client(base, keys.issue("operator", "op")) as operator:
        ready = await wait_until_ready(operator)
        assert [one["part"] for one in ready["degraded"]] == ["review_queue"]
        lines = b"\n".join(orjson.dumps({"item_id": f"i{n}", "data": review(n)}) for n in range(3))
        headers = {"Content-Type": "application/x-ndjson"}
        imported = await operator.post(f"{ROOT}/pool", content=lines, headers=headers)
        assert imported.json()["imported"] == 3
        asked = await operator.post(f"{ROOT}/pool/batches", json={"strategy": "random", "size": 2})
        assert (asked.status_code, asked.json()["tasks"]) == (200, 2)
        for path in PATHS:
            query = {"item_id": "i0"} if path == "decisions" else {}
            answer = await operator.get(f"{ROOT}/{path}", params=query)
            assert answer.status_code == 200, answer.text
        assert (await operator.get(f"{ROOT}/pool")).json()["asked"] == 2


async def test_a_cause_is_named_also_where_the_error_says_nothing() -> None:
    async with silent_server() as url:
        queue = QueueClient(url, "token")
        with pytest.raises(QueueAway, match="GET /healthz: ReadTimeout"):
            await queue._call(OutcomeFeed, "GET", "/healthz", timeout=0.05)
        await queue.close()
