"""A review queue and a router as processes on one home, which tests start, stop and kill."""

import asyncio
import contextlib
import gzip
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from shared.auth import Keys
from shared.store import Store
from tests.harness import ServiceProcess, client, free_port, spawn
from tests.harness.model_publisher import Publisher, project_of

# Processes start slowly on a machine that is busy with others.
PATIENT = 180.0
SPEC = {"labels", "fields", "metadata", "promise"}


@contextlib.asynccontextmanager
async def aside(
    starting: AbstractContextManager[ServiceProcess],
) -> AsyncIterator[ServiceProcess]:
    """Start and end a process in a thread: the callers of the others go on meanwhile."""
    process = await asyncio.to_thread(starting.__enter__)
    try:
        yield process
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


@dataclass
class Installation:
    """One home, its settings, and ports that stay the same over restarts."""

    home: Path
    keys: Keys
    queue_port: int = field(default_factory=free_port)
    router_port: int = field(default_factory=free_port)
    secret: str = field(default_factory=lambda: secrets.token_hex(32))

    def environment(self) -> dict[str, str]:
        return {
            "SUREHAND_SECRET": self.secret,
            "SUREHAND_SERVICE_TOKEN": self.keys.issue("service", "router"),
            "SUREHAND_REVIEW_QUEUE_URL": f"http://127.0.0.1:{self.queue_port}",
            "SUREHAND_POLL_SECONDS": "0.1",
        }

    def queue(self) -> AbstractAsyncContextManager[ServiceProcess]:
        environment = self.environment()
        return aside(spawn("review_queue", self.home, self.queue_port, **environment))

    def router(
        self, *, health: str | None = "/readyz", **settings: str
    ) -> AbstractAsyncContextManager[ServiceProcess]:
        environment = self.environment() | settings
        return aside(spawn("router", self.home, self.router_port, health=health, **environment))

    def caller(self) -> httpx.AsyncClient:
        return client(f"http://127.0.0.1:{self.router_port}", self.keys.issue("caller", "c"))

    def operator(self) -> httpx.AsyncClient:
        return client(f"http://127.0.0.1:{self.queue_port}", self.keys.issue("operator", "o"))

    async def publish_alone(self) -> None:
        """Put project and champion into the store, where no queue will be asked."""
        publisher = Publisher(Store((self.home / "store").resolve().as_uri()))
        await publisher.put_project()
        await publisher.publish("v1")

    async def publish(self, audit_rate: float = 0.0) -> None:
        """Create project `shop` at the queue, and its certified champion in the store."""
        store = Store((self.home / "store").resolve().as_uri())
        async with self.operator() as operator:
            spec = project_of().model_dump(mode="json", include=SPEC)
            created = await operator.put("/v1/projects/shop", json=spec)
            assert created.status_code in (200, 201), created.text
        await Publisher(store, audit_rate=audit_rate).publish("v1")

    def spooled(self) -> int:
        total = 0
        for path in (self.home / "spool").glob("*/[0-9]*.jsonl"):
            # Drained between the listing and the reading.
            with contextlib.suppress(FileNotFoundError):
                total += path.read_bytes().count(b"\n")
        return total

    def dead_letters(self) -> list[Path]:
        roots = (self.home / "spool", self.home / "audits")
        return [path for root in roots for path in root.glob("*/dead-letter.jsonl")]

    async def tasks(self) -> list[str]:
        """Item ids of all tasks at the queue."""
        found: list[str] = []
        after: str | None = None
        async with self.operator() as operator:
            while True:
                query = {"limit": "1000"} | ({"after": after} if after else {})
                page = (await operator.get("/v1/projects/shop/tasks", params=query)).json()
                found += [task["item_id"] for task in page["tasks"]]
                after = page["cursor"]
                if after is None:
                    return found


async def decisions(home: Path) -> list[dict[str, Any]]:
    store = Store((home / "store").resolve().as_uri())
    rows = []
    for path in await store.files("shop/decisions"):
        body = await store.read(path)
        assert body is not None
        rows += [orjson.loads(line) for line in gzip.decompress(body).splitlines()]
    return rows
