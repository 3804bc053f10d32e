"""Where reviewers work: a server over HTTP, or the raw loop; each shift is counted and checked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from bench.ground import Ground
from bench.review_queue import measurement
from bench.review_queue.databases import Postgres, Queue
from bench.review_queue.measurement import Cycles
from bench.review_queue.replay import RECORDING
from bench.review_queue.reviewers import Job
from bench.serving.processes import Server

# Enough for all who record.
_TO_RECORD = 100


class Desk(Protocol):
    """One contender that is ready to work."""

    async def open(self, project: str, tasks: int) -> None:
        """Make a project with so many open tasks."""

    async def shift(self, project: str, reviewers: int) -> Cycles:
        """Let reviewers work on a project, and check what they did."""


@dataclass(frozen=True)
class Counted:
    """What a cell is counted with: the database, and its server where it has one."""

    ground: Ground
    queue: Queue
    postgres: Postgres | None

    async def open(self, project: str, tasks: int) -> None:
        """Make a project with so many open tasks."""
        self.queue.fill(project, tasks)

    async def checked(
        self, project: str, shift: Callable[[], Awaitable[Cycles]], answered_before: int = 0
    ) -> Cycles:
        """Run a shift; then compare what was answered with what the database has."""
        before = self.database_cpu()
        cycles = await shift()
        spent = self.database_cpu() - before
        outcomes, verdicts = self.queue.resolved(project)
        answered = answered_before + cycles.answered
        lost = abs(outcomes - answered) + abs(verdicts - answered)
        cost = spent * 1e3 / max(1, cycles.answered)
        return replace(cycles, lost=lost, database_cpu_ms=cost)

    def database_cpu(self) -> float:
        """Processor time of the database's own processes so far, in seconds."""
        return 0.0 if self.postgres is None else self.postgres.cpu_seconds()


@dataclass(frozen=True)
class Served(Counted):
    """A server that takes our two calls; one credential for each reviewer there may be."""

    server: Server
    port: int
    credentials: list[str]

    async def shift(self, project: str, reviewers: int, answered_before: int = 0) -> Cycles:
        """Let reviewers work over HTTP."""

        async def work() -> Cycles:
            return await over_http(
                self.ground, self.server, self.port, "ours", project, self.credentials[:reviewers]
            )

        return await self.checked(project, work, answered_before)


async def over_http(
    ground: Ground, server: Server, port: int, kind: str, project: str, credentials: list[str]
) -> Cycles:
    """Run the load generator, a reviewer for each credential."""
    job = Job(port, kind, project, credentials, ground.seconds, ground.warm_seconds)
    before = server.cpu_seconds()
    said = await ground.run_json("-m", "bench.review_queue.reviewers", given=job.as_json())
    server.check()
    cycles = measurement.read(said)
    spent = (server.cpu_seconds() - before) * 1e3
    return replace(cycles, server_cpu_ms=spent / max(1, cycles.answered))


@dataclass(frozen=True)
class Raw(Counted):
    """The statements alone, on the server's core."""

    async def shift(self, project: str, reviewers: int) -> Cycles:
        """Run the loops."""

        async def work() -> Cycles:
            said = await self.ground.run_json(
                "-m", "bench.review_queue.replay", self.queue.url, project, str(reviewers),
                str(self.ground.seconds), str(self.ground.warm_seconds),
                cores=self.ground.cores.server,
            )  # fmt: skip
            return measurement.read(said)

        return await self.checked(project, work)


async def prepared(queue: Queue) -> None:
    """Migrate a database, and give it tasks to record with."""
    await queue.prepare()
    queue.fill(RECORDING, _TO_RECORD)
