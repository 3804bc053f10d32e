"""The rows of the comparison, and how each is made ready."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from bench.ground import Ground
from bench.installation import (
    client_of,
    environment_of,
    new_home,
    running_redis,
    running_review_queue,
    until,
)
from bench.review_queue.databases import Postgres, Queue, sqlite_queue
from bench.review_queue.desks import Desk, Raw, Served, prepared
from bench.review_queue.handwritten import HandWrittenQueue
from bench.review_queue.label_studio import label_studio
from bench.serving.processes import free_port, running

FEW, MORE, CROWD = 8, 32, 64
_NOT_FOUND = 404
# Label Studio is measured with as many as it takes well.
FEWER = 4


@dataclass(frozen=True)
class Machine:
    """What all contenders share."""

    ground: Ground
    postgres: Postgres


Opening = Callable[[Machine], AbstractAsyncContextManager[Desk]]


@dataclass(frozen=True)
class Contender:
    """One row. `key` is how targets and the command line name it."""

    key: str
    name: str
    reviewers: tuple[int, ...]
    open: Opening


@contextlib.asynccontextmanager
async def surehand_on(
    ground: Ground, queue: Queue, postgres: Postgres | None
) -> AsyncIterator[Served]:
    """Run our service on a database that is prepared."""
    with new_home(ground) as home:
        environment, _ = environment_of(home)
        environment["SUREHAND_REVIEW_QUEUE_DATABASE_URL"] = queue.url
        credentials = [home.keys.issue("reviewer", f"reviewer-{n}") for n in range(CROWD)]
        async with (
            running_redis(ground, home, environment),
            running_review_queue(ground, environment, ground.cores.server) as server,
        ):
            port = int(environment["SUREHAND_REVIEW_QUEUE_PORT"])
            yield Served(ground, queue, postgres, server, port, credentials)


@contextlib.asynccontextmanager
async def _surehand(machine: Machine) -> AsyncIterator[Desk]:
    with machine.postgres.queue("surehand") as queue:
        await prepared(queue)
        async with surehand_on(machine.ground, queue, machine.postgres) as desk:
            yield desk


@contextlib.asynccontextmanager
async def _surehand_sqlite(machine: Machine) -> AsyncIterator[Desk]:
    with sqlite_queue(machine.ground.folder, "surehand") as queue:
        await prepared(queue)
        async with surehand_on(machine.ground, queue, None) as desk:
            yield desk


@contextlib.asynccontextmanager
async def _raw(machine: Machine) -> AsyncIterator[Desk]:
    with machine.postgres.queue("raw") as queue:
        await prepared(queue)
        yield Raw(machine.ground, queue, machine.postgres)


@contextlib.asynccontextmanager
async def _raw_sqlite(machine: Machine) -> AsyncIterator[Desk]:
    with sqlite_queue(machine.ground.folder, "raw") as queue:
        await prepared(queue)
        yield Raw(machine.ground, queue, None)


@contextlib.asynccontextmanager
async def _wrapper(machine: Machine) -> AsyncIterator[Desk]:
    with machine.postgres.queue("wrapper") as queue:
        await prepared(queue)
        async with _app(machine, queue, "wrapper") as desk:
            yield desk


@contextlib.asynccontextmanager
async def _handwritten(machine: Machine) -> AsyncIterator[Desk]:
    with machine.postgres.queue("handwritten") as made:
        queue = HandWrittenQueue(made.url, made.engine)
        await queue.prepare()
        async with _app(machine, queue, "handwritten") as desk:
            yield desk


@contextlib.asynccontextmanager
async def _app(machine: Machine, queue: Queue, module: str) -> AsyncIterator[Desk]:
    """Run an application of this folder on a database that is prepared."""
    ground, port = machine.ground, free_port()
    # psycopg's own address, where SQLAlchemy's names its driver.
    url = queue.url.replace("+psycopg", "") if module == "handwritten" else queue.url
    command = ground.python("-m", f"bench.review_queue.{module}", url, str(port))
    async with (
        running(command, {}, ground.log(module), ground.cores.server) as server,
        client_of(port, "") as client,
    ):

        async def answers() -> bool:
            return (await client.get("/")).status_code == _NOT_FOUND

        await until(server, answers)
        names = [f"reviewer-{number}" for number in range(CROWD)]
        yield Served(ground, queue, machine.postgres, server, port, names)


@contextlib.asynccontextmanager
async def _label_studio(machine: Machine) -> AsyncIterator[Desk]:
    async with label_studio(machine.ground, machine.postgres, FEW) as desk:
        yield desk


# In the order of the table.
CONTENDERS = (
    Contender("surehand", "**Surehand**, PostgreSQL", (FEW, MORE, CROWD), _surehand),
    Contender("handwritten", "hand-written loop, PostgreSQL", (FEW, MORE, CROWD), _handwritten),
    Contender("raw", "raw SQL loop, PostgreSQL", (FEW, CROWD), _raw),
    Contender("fastapi", "FastAPI `def` + SQLAlchemy, PostgreSQL", (FEW, CROWD), _wrapper),
    Contender("surehand-sqlite", "**Surehand**, SQLite", (FEW, CROWD), _surehand_sqlite),
    Contender("raw-sqlite", "raw SQL loop, SQLite", (FEW, CROWD), _raw_sqlite),
    Contender("label-studio", "Label Studio, PostgreSQL", (FEWER, FEW), _label_studio),
)
