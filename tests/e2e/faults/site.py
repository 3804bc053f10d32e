"""All three services as processes, each kind of data on a small disk of its own."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from shared.auth import Keys, Role
from tests.harness import ServiceProcess, client, free_port, spawn
from tests.harness.databases import create_tables
from tests.harness.disks import SmallDisk, small_disk
from tests.harness.model_publisher import project_of

SERVICES = ("review_queue", "router", "trainer")
_USERS = {
    "log": SERVICES,
    "home": ("router",),
    "database": ("review_queue", "trainer"),
    "store": SERVICES,
}
_SPEC = {"labels", "fields", "metadata", "promise"}


@dataclass
class Site:
    """The services that run, by name, and the disks: `home` is the router's, with its spool."""

    processes: dict[str, ServiceProcess]
    disks: dict[str, SmallDisk]
    keys: Keys

    def client(self, service: str, role: Role) -> httpx.AsyncClient:
        return client(self.processes[service].base_url, self.keys.issue(role, f"{role}-1"))

    def pids(self) -> list[int]:
        return [process.process.pid for process in self.processes.values()]

    @property
    def is_separate(self) -> bool:
        """Whether a full disk leaves the others: where none can be mounted it does not."""
        return all(disk.is_mounted for disk in self.disks.values())

    def fill(self, disk: str) -> None:
        self.disks[disk].fill(self.processes[user].process.pid for user in _USERS[disk])

    async def readiness(self, service: str) -> tuple[int, set[str]]:
        """Return the status of `/readyz` and the degraded parts."""
        async with client(self.processes[service].base_url) as http:
            answer = await http.get("/readyz")
        return answer.status_code, {one["part"] for one in answer.json()["degraded"]}


@contextlib.asynccontextmanager
async def running_site(folder: Path, keys: Keys, redis_url: str) -> AsyncIterator[Site]:
    """Run the three services on disks below `folder`, with the project `shop`."""
    with _disks(folder) as disks:
        environment = _environment(disks, keys, redis_url)
        for service in ("review_queue", "trainer"):
            await create_tables(service, environment[f"SUREHAND_{service.upper()}_DATABASE_URL"])
        with ExitStack() as stack:
            processes = await asyncio.to_thread(_start, stack, disks, environment)
            site = Site(processes, disks, keys)
            async with site.client("review_queue", "operator") as operator:
                spec = project_of().model_dump(mode="json", include=_SPEC)
                created = await operator.put("/v1/projects/shop", json=spec)
                assert created.status_code == 201, created.text
            yield site


@contextlib.contextmanager
def _disks(folder: Path) -> Iterator[dict[str, SmallDisk]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(small_disk(folder / name, 16)) for name in _USERS}


def _environment(disks: dict[str, SmallDisk], keys: Keys, redis_url: str) -> dict[str, str]:
    databases = disks["database"].folder
    ports = {service: free_port() for service in SERVICES}
    return {
        "SUREHAND_SECRET": secrets.token_hex(32),
        "SUREHAND_SERVICE_TOKEN": keys.issue("service", "services"),
        "SUREHAND_PUBLIC_KEYS_DIR": str(keys.public_folder),
        "SUREHAND_STORE_URL": disks["store"].folder.as_uri(),
        "SUREHAND_REDIS_URL": redis_url,
        "SUREHAND_POLL_SECONDS": "0.1",
        "SUREHAND_REVIEW_QUEUE_URL": f"http://127.0.0.1:{ports['review_queue']}",
        "SUREHAND_REVIEW_QUEUE_DATABASE_URL": f"sqlite+aiosqlite:///{databases / 'queue.db'}",
        "SUREHAND_TRAINER_DATABASE_URL": f"sqlite+aiosqlite:///{databases / 'trainer.db'}",
        **{f"SUREHAND_{name.upper()}_PORT": str(port) for name, port in ports.items()},
    }


def _start(
    stack: ExitStack, disks: dict[str, SmallDisk], environment: dict[str, str]
) -> dict[str, ServiceProcess]:
    processes = {}
    for service in SERVICES:
        home = disks["home" if service == "router" else "database"].folder
        port = int(environment[f"SUREHAND_{service.upper()}_PORT"])
        running = spawn(
            service, home, port, health=None, logs=str(disks["log"].folder), **environment
        )
        processes[service] = stack.enter_context(running)
    for process in processes.values():
        process.wait_ready("/readyz", seconds=120)
    return processes
