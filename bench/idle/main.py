"""What idle projects cost: ``python -m bench idle --projects 1000``.

The whole installation runs as ``python -m services up`` starts it, with Redis. N projects without
tasks or versions are created; once all services have settled, their processor time and their
requests to the store are counted for a minute.
"""

import argparse
import asyncio
import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import psutil

from bench.installation import until
from bench.page import PAGE, put_between, run
from bench.serving.machine import NOT_PINNED, describe_machine
from bench.serving.processes import Server, free_port, running
from bench.serving.report import table

SERVICES = ("router", "review_queue", "trainer")
_SPEC = {"labels": ["negative", "positive"], "fields": {"text": {"type": "text"}}}
_REQUESTS = re.compile(
    r'^surehand_store_requests_total\{operation="\w+"\} ([0-9.e+]+)$', re.MULTILINE
)
_PROBES = 5
_DEFAULTS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Reading:
    """Processor seconds and store requests so far, by service."""

    at: float
    cpu: dict[str, float]
    requests: dict[str, float]


@dataclass(frozen=True)
class Measured:
    """What `projects` idle projects cost: percent of a core and store requests, by service."""

    projects: int
    percent: dict[str, float]
    requests: dict[str, float]
    first_seen_seconds: float


@dataclass
class Installation:
    """A running installation."""

    server: Server
    ports: dict[str, int]
    tokens: dict[str, str]

    def client(self, service: str, role: str) -> httpx.AsyncClient:
        """Return a client of `service` with the token of `role`."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        url = f"http://127.0.0.1:{self.ports[service]}"
        return httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False)

    async def create(self, count: int) -> None:
        """Create `count` projects, but for the few that `first_seen` creates."""
        async with self.client("review_queue", "operator") as operator:
            for number in range(max(0, count - _PROBES)):
                answer = await operator.put(f"/v1/projects/idle-{number:04}", json=_SPEC)
                answer.raise_for_status()

    async def first_seen(self, count: int) -> float:
        """Return the seconds from a project's creation to its first prediction: the worst of a few.

        A router looks in the store for a project that it does not know, so this is a round trip.
        """
        worst = 0.0
        async with (
            self.client("review_queue", "operator") as operator,
            self.client("router", "caller") as caller,
        ):
            for number in range(min(count, _PROBES)):
                name = f"probe-{number}"
                (await operator.put(f"/v1/projects/{name}", json=_SPEC)).raise_for_status()
                began = time.perf_counter()
                body = {"items": [{"data": {"text": "new"}}], "review": "never"}
                answer = await caller.post(f"/v1/projects/{name}/predict", json=body)
                answer.raise_for_status()
                worst = max(worst, time.perf_counter() - began)
        return worst

    async def read(self) -> Reading:
        """Return what the services have used so far."""
        requests = {}
        for service in SERVICES:
            async with self.client(service, "operator") as client:
                text = (await client.get("/metrics")).text
            requests[service] = sum(map(float, _REQUESTS.findall(text)))
        return Reading(time.monotonic(), self._cpu(), requests)

    def _cpu(self) -> dict[str, float]:
        used = dict.fromkeys(SERVICES, 0.0)
        for process in self.server.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                command = process.cmdline()
                for service in SERVICES:
                    if command[1:4] == ["-m", "services", service]:
                        used[service] += sum(process.cpu_times()[:2])
        return used


@contextlib.asynccontextmanager
async def installation(settings: Mapping[str, str] = _DEFAULTS) -> AsyncIterator[Installation]:
    """Run all services until the block ends, with `settings` or else their defaults."""
    with tempfile.TemporaryDirectory(prefix="surehand-idle-") as folder:
        home = Path(folder) / "home"
        ports = {service: free_port() for service in (*SERVICES, "console")}
        environment = {
            "PATH": os.environ["PATH"],
            "SUREHAND_HOME": str(home),
            "SUREHAND_DEMO": "0",
            **settings,
            **{f"SUREHAND_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        }
        command = [sys.executable, "-m", "services", "up"]

        async def is_ready() -> bool:
            return (home / "ready").exists()

        async with running(command, environment, Path(folder) / "log", frozenset()) as server:
            await until(server, is_ready, 90)
            yield Installation(server, ports, orjson.loads((home / "tokens.json").read_bytes()))


async def measure(projects: int, settle_seconds: float, seconds: float) -> Measured:
    """Return what `projects` idle projects cost."""
    async with installation() as running_installation:
        await running_installation.create(projects)
        seen = await running_installation.first_seen(projects)
        await asyncio.sleep(settle_seconds)
        before = await running_installation.read()
        await asyncio.sleep(seconds)
        after = await running_installation.read()
    took = after.at - before.at
    return Measured(
        projects,
        {name: 100 * (after.cpu[name] - before.cpu[name]) / took for name in SERVICES},
        {name: 60 * (after.requests[name] - before.requests[name]) / took for name in SERVICES},
        seen,
    )


def section(measured: Sequence[Measured], about: Sequence[str]) -> str:
    """Return the page's section: a row for each count of projects."""
    header = ["idle projects", *(f"{name}, % of a core" for name in SERVICES), "all, % of a core"]
    header += ["store requests a minute", "worst of 5: creation to first prediction, s"]
    rows = [
        [
            f"{one.projects:,}",
            *(f"{one.percent[name]:.1f}" for name in SERVICES),
            f"{sum(one.percent.values()):.1f}",
            f"{sum(one.requests.values()):,.0f}",
            f"{one.first_seen_seconds:.2f}",
        ]
        for one in measured
    ]
    return "\n".join([*(f"- {line}" for line in about), "", table(header, rows)])


async def _measure_all(counts: Sequence[int], settle: float, seconds: float) -> list[Measured]:
    return [await measure(count, settle, seconds) for count in counts]


def main(arguments: list[str]) -> None:
    """Print the table; with `--write` put it into the page."""
    parser = argparse.ArgumentParser(prog="python -m bench idle", description=__doc__)
    parser.add_argument("--projects", type=int, nargs="+", default=[1, 1000])
    parser.add_argument("--settle", type=float, default=30.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    measured = run(_measure_all(asked.projects, asked.settle, asked.seconds))
    about = describe_machine(NOT_PINNED, ("fastapi", "sqlalchemy", "obstore"), ())
    text = section(measured, [*about, f"Form: {asked.seconds:.0f} s a row, SQLite, local folder."])
    print(text)
    if asked.write:
        PAGE.write_text(put_between(PAGE.read_text(), "idle", text))
