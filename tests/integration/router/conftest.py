"""A router over a real store, and what its tests ask for again and again."""

import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from services.router.app import create_app
from services.router.decision_log import shipping
from services.router.delivery import free_reviewers, handoff, review_queue
from services.router.outcomes import ledger
from services.router.settings import RouterSettings
from services.router.versions.loading import LoadedVersion
from services.router.versions.registry import Versions
from services.router.waiting import waiters
from services.trainer.app import create_app as create_trainer
from services.trainer.settings import TrainerSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from shared.store import Store
from tests.harness import client, free_port, serve, wait_until, wait_until_ready
from tests.harness.clock import ShiftedClock
from tests.harness.databases import create_tables
from tests.harness.model_publisher import Publisher
from tests.harness.people import People, open_people
from tests.harness.scripted_queue import ScriptedQueue

# Nearly every test waits until its router has taken up what the test publishes. The services behind
# it poll as they do in all tests: of theirs, each poll is a transaction.
_POLL_SECONDS = 0.02


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a router wait for the services behind it as long as a busy machine takes to answer."""
    for module, names in {
        free_reviewers: ("_PATIENCE_SECONDS", "_ANSWER_SECONDS"),
        handoff: ("_SECONDS",),
        ledger: ("_CONNECT_SECONDS", "_SECONDS"),
        review_queue: ("_CONNECT_SECONDS", "_ANSWER_SECONDS"),
        waiters: ("_READY_SECONDS", "_LOOK_SECONDS"),
    }.items():
        for name in names:
            monkeypatch.setattr(module, name, 60.0)


@pytest.fixture
def rows_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ship the rows of the decision log every 100 ms instead of every two seconds."""
    monkeypatch.setattr(shipping, "_SHIP_SECONDS", 0.1)


@dataclass
class ServedRouter:
    """A served router, a caller of it, and the hands that write its store."""

    caller: httpx.AsyncClient
    publisher: Publisher
    queue: ScriptedQueue
    clock: ShiftedClock
    keys: Keys
    home: Path
    app: FastAPI

    def loaded(self, version: str, project: str = "shop") -> LoadedVersion:
        """Return a version that the router has in memory."""
        versions: Versions = self.app.state.services.versions
        return next(
            loaded
            for name, _, loaded in versions.in_memory()
            if (name, loaded.version) == (project, version)
        )

    async def predict(self, *items: dict[str, Any], **body: Any) -> httpx.Response:
        """POST predict; `items` are whole items."""
        path = f"/v1/projects/{self.publisher.name}/predict"
        return await self.caller.post(path, json={"items": list(items), **body})

    async def one(self, score: float, item_id: str = "a", **body: Any) -> dict[str, Any]:
        """Predict one item, and return its prediction."""
        response = await self.predict({"item_id": item_id, "data": {"score": score}}, **body)
        assert response.status_code == 200, response.text
        prediction: dict[str, Any] = response.json()["predictions"][0]
        return prediction

    async def outcome(self, item_id: str = "a", wait_seconds: float = 0) -> dict[str, Any]:
        """GET what became of an item."""
        path = f"/v1/projects/{self.publisher.name}/items/{quote(item_id, safe='')}/outcome"
        response = await self.caller.get(path, params={"wait_seconds": wait_seconds})
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    async def waiters(self, number: int) -> None:
        """Wait until `number` items are waited for."""

        async def are() -> bool:
            return await self.metric("surehand_router_waiters") == number

        await wait_until(are)

    async def model(self) -> dict[str, Any]:
        """GET model."""
        response = await self.caller.get(f"/v1/projects/{self.publisher.name}/model")
        assert response.status_code == 200, response.text
        status: dict[str, Any] = response.json()
        return status

    async def serving(self, version: str | None) -> None:
        """Wait until `version` serves."""

        async def serves() -> bool:
            return bool((await self.model())["serving"] == version)

        await wait_until(serves)

    async def serving_revision(self, revision: int) -> None:
        """Wait until promise.json of `revision` is in force."""

        async def serves() -> bool:
            return bool((await self.model())["policy_revision"] == revision)

        await wait_until(serves)

    async def project_revision(self, revision: int) -> None:
        """Wait until project.json of `revision` is known and what follows from it is done."""

        async def known() -> bool:
            status = await self.model()
            return bool(status["project_revision"] == revision)

        await wait_until(known)

    async def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric, summed over those of its labels that say `labels`."""
        # The parser takes longer than the request: it gets what speaks of this metric.
        lines = (await self.caller.get("/metrics")).text.splitlines(keepends=True)
        text = "".join(line for line in lines if name in line)
        samples = (s for family in text_string_to_metric_families(text) for s in family.samples)
        return sum(
            sample.value
            for sample in samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    async def spooled(self, number: int) -> None:
        """Wait until `number` tasks lie in the spool."""

        async def are() -> bool:
            return await self.metric("surehand_router_spool_entries") == number

        await wait_until(are)

    async def drained(self) -> None:
        """Wait until both spools are empty."""

        async def empty() -> bool:
            spools = ("surehand_router_spool_entries", "surehand_router_audit_spool_entries")
            return not any([await self.metric(spool) for spool in spools])

        await wait_until(empty)

    def lose_spool(self) -> None:
        """Take the spool's folder away, as a broken disk does."""
        shutil.rmtree(self.home / "spool" / "0")

    def lose_decisions(self) -> None:
        """Take the decision log's folder away, likewise."""
        shutil.rmtree(self.home / "decisions" / "0")

    async def refused(self, version: str) -> str:
        """Wait until `version` is refused, and return why."""

        async def why() -> str | None:
            failures: dict[str, str] = (await self.model())["failures"]
            return failures.get(version)

        return await wait_until(why) or ""


@pytest.fixture
def queue() -> ScriptedQueue:
    """The review queue's side of HTTP."""
    return ScriptedQueue()


@pytest.fixture
async def queue_url(queue: ScriptedQueue) -> AsyncIterator[str]:
    """Where `queue` is served."""
    async with serve(queue.app()) as url:
        yield url


@pytest.fixture
async def database_url(sqlite_url: str) -> str:
    """A SQLite database with the tables of the review queue."""
    await create_tables("review_queue", sqlite_url)
    return sqlite_url


@pytest.fixture
async def people(common: CommonSettings, database_url: str, keys: Keys) -> AsyncIterator[People]:
    """A real review queue that has project `shop`, and its reviewers."""
    async with open_people(common, keys, database_url) as opened:
        yield opened


@pytest.fixture
async def trainer_url(common: CommonSettings) -> AsyncIterator[str]:
    """A real trainer, which reads what the router decides."""
    database_url = f"sqlite+aiosqlite:///{common.home / 'trainer.db'}"
    await create_tables("trainer", database_url)
    app = create_trainer(common, TrainerSettings(database_url=database_url))
    async with serve(app) as url:
        yield url


@pytest.fixture
def away_url() -> str:
    """Where no review queue is."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def publisher(common: CommonSettings) -> Publisher:
    """Writer of the store that the router reads."""
    return Publisher(Store(common.store_address))


class OpenRouter(Protocol):
    """Opens a served: `url` is where its router looks for the queue, `changes` are settings."""

    def __call__(
        self, url: str, *, router: RouterSettings | None = None, **changes: Any
    ) -> contextlib.AbstractAsyncContextManager[ServedRouter]: ...


@pytest.fixture
def open_router(
    common: CommonSettings,
    keys: Keys,
    publisher: Publisher,
    queue: ScriptedQueue,
    rows_soon: None,
) -> OpenRouter:
    """Serve a router against the review queue at a URL, while a block lasts."""

    @contextlib.asynccontextmanager
    async def opened(
        url: str, *, router: RouterSettings | None = None, **changes: Any
    ) -> AsyncIterator[ServedRouter]:
        clock = ShiftedClock()
        wired = {"poll_seconds": _POLL_SECONDS, "review_queue_url": url}
        settings = common.model_copy(update=wired | changes)
        app = create_app(settings, router or RouterSettings(), now=clock)
        token = keys.issue("caller", "tests")
        async with serve(app) as base_url, client(base_url, token) as caller:
            await wait_until_ready(caller)
            yield ServedRouter(caller, publisher, queue, clock, keys, common.home, app)

    return opened


@pytest.fixture
async def served(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> AsyncIterator[ServedRouter]:
    """A ready router with certified champion v1 and a review queue."""
    await publisher.put_project()
    await publisher.publish("v1")
    async with open_router(queue_url) as opened:
        yield opened


@contextlib.contextmanager
def store_away(home: Path) -> Iterator[None]:
    """Put a file where the store's folder was."""
    store, aside = home / "store", home / "aside"
    store.rename(aside)
    store.write_text("not a folder")
    try:
        yield
    finally:
        store.unlink()
        aside.rename(store)
