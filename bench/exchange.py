"""Seconds and memory of import and export: ``python -m bench exchange --tasks 1000000``.

A review queue process takes made-up tasks in as JSON lines, half of them with an answer; then, in
each format, gives them all out, and takes them into an empty project. The kernel says the most
that the process had in memory meanwhile.
"""

import argparse
import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench.installation import single_service
from services.review_queue.app import MIGRATIONS
from shared.db import Database

FORMATS = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "label-studio": "application/json",
}
_SPEC = {
    "labels": ["negative", "positive"],
    "fields": {"text": {"type": "text"}, "stars": {"type": "number"}},
    "metadata": ["channel"],
}
_TEXT = "Arrived in two days, the box a little bent, and works as it should. Would buy again. " * 3
_PIECE_BYTES = 256 * 1024
_BORN_SECONDS = 1_700_000_000


@dataclass(frozen=True)
class Measured:
    """One import or export: what it took, how busy the service was, how large the file."""

    what: str
    seconds: float
    cpu_seconds: float
    peak_mb: float
    file_mb: float


@dataclass
class Exchanging:
    """A running review queue and an operator of it."""

    process: asyncio.subprocess.Process
    operator: httpx.AsyncClient

    async def put(self, project: str) -> None:
        """Make an empty project."""
        (await self.operator.put(f"/v1/projects/{project}", json=_SPEC)).raise_for_status()

    async def take_in(self, project: str, form: str, file: Path, tasks: int) -> Measured:
        """Import `file` into an empty project."""
        await self.put(project)
        headers = {"Content-Type": FORMATS[form], "Content-Length": _length(file)}
        self._forget_peak()
        busy, began = self._cpu_seconds(), time.perf_counter()
        url = f"/v1/projects/{project}/import"
        answer = await self.operator.post(url, content=_pieces(file), headers=headers)
        seconds = time.perf_counter() - began
        report = answer.raise_for_status().json()
        assert (report["created"], report["rejected"]) == (tasks, []), report
        return self._measured(f"import {form}", seconds, busy, file)

    async def give_out(self, project: str, form: str, file: Path) -> Measured:
        """Export a project into `file`."""
        self._forget_peak()
        busy, began = self._cpu_seconds(), time.perf_counter()
        url = f"/v1/projects/{project}/export"
        async with self.operator.stream("GET", url, params={"format": form}) as answer:
            answer.raise_for_status()
            with file.open("wb") as sink:
                async for piece in answer.aiter_raw(_PIECE_BYTES):
                    sink.write(piece)
        seconds = time.perf_counter() - began
        return self._measured(f"export {form}", seconds, busy, file)

    def _measured(self, what: str, seconds: float, busy: float, file: Path) -> Measured:
        cpu_seconds = self._cpu_seconds() - busy
        return Measured(what, seconds, cpu_seconds, self.peak_mb(), file.stat().st_size / 1e6)

    def _cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        user, system = 11, 12
        return (int(fields[user]) + int(fields[system])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        """Return the most megabytes that the process had in memory since the last time."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024 / 1e6

    def _forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


def _length(file: Path) -> str:
    return str(file.stat().st_size)


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(_PIECE_BYTES):
            yield piece


def made_up(tasks: int, paragraphs: int = 1) -> Iterator[bytes]:
    """Give lines of an import; every other task has been answered."""
    text = _TEXT * paragraphs
    for number in range(tasks):
        record: dict[str, Any] = {
            "item_id": f"order-{number}",
            "data": {"text": f"{number}: {text}", "stars": number % 5 + 0.5},
            "metadata": {"channel": "web" if number % 3 else "shop"},
            "lane": "pool",
        }
        if number % 2:
            record["verdicts"] = [
                {
                    "reviewer": f"r{number % 17}",
                    "label": "positive" if number % 4 == 1 else "negative",
                    "active_seconds": number % 40 / 4,
                    "given_at": time.strftime(
                        "%Y-%m-%dT%H:%M:%SZ", time.gmtime(_BORN_SECONDS + number)
                    ),
                }
            ]
        yield orjson.dumps(record) + b"\n"


@contextlib.asynccontextmanager
async def exchanging(folder: Path, database_url: str = "") -> AsyncIterator[Exchanging]:
    """Run a review queue in a process of its own with `folder` as its home."""
    database_url = database_url or f"sqlite+aiosqlite:///{folder / 'review_queue.db'}"
    database = Database(database_url)
    await database.migrate(MIGRATIONS)
    await database.dispose()
    where = {"SUREHAND_REVIEW_QUEUE_DATABASE_URL": database_url}
    async with single_service("review_queue", folder, "operator", **where) as (server, operator):
        yield Exchanging(server.process, operator)


async def measure(tasks: int, database_url: str = "") -> AsyncIterator[Measured]:
    """Give what each import and export took."""
    with tempfile.TemporaryDirectory(prefix="surehand-exchange-") as name:
        folder = Path(name)
        file = folder / "tasks"
        with file.open("wb") as sink:
            sink.writelines(made_up(tasks))
        async with exchanging(folder, database_url) as queue:
            yield Measured("at rest", 0.0, 0.0, queue.peak_mb(), 0.0)
            yield await queue.take_in("all", "jsonl", file, tasks)
            for form in FORMATS:
                yield await queue.give_out("all", form, file)
                if form != "jsonl":
                    yield await queue.take_in(form, form, file, tasks)


async def _print(tasks: int, database_url: str) -> None:
    print(f"{tasks} tasks; peak: the most that the service had in memory")
    print(f"{'':22}{'seconds':>10}{'CPU s':>10}{'tasks/s':>10}{'peak MB':>10}{'file MB':>10}")
    async for one in measure(tasks, database_url):
        rate = f"{tasks / one.seconds:.0f}" if one.seconds else ""
        print(
            f"{one.what:22}{one.seconds:10.1f}{one.cpu_seconds:10.1f}{rate:>10}"
            f"{one.peak_mb:10.0f}{one.file_mb:10.1f}",
            flush=True,
        )


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench exchange", description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--database-url", default="", help="else SQLite in a temporary folder")
    asked = parser.parse_args(arguments)
    asyncio.run(_print(asked.tasks, asked.database_url))
