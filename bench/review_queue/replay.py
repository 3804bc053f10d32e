"""The same statements without a server: each reviewer is a loop over its own connection.

    python -m bench.review_queue.replay DATABASE_URL PROJECT REVIEWERS SECONDS WARM_SECONDS

PostgreSQL: a thread a reviewer. SQLite has one writer, so one loop does the work of all, at the
durability of the service.
"""

import asyncio
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
from sqlalchemy.engine import make_url

from bench.review_queue.measurement import Tally
from bench.review_queue.recording import Recorded, Statement, moments, record
from shared.db import plan_once

RECORDING = "recording"
_NANOSECONDS = 1e9


@dataclass(frozen=True)
class Loop:
    """One reviewer's connection, and the calls made over it."""

    recorded: Recorded
    project: str
    reviewer: str
    cursor: Any
    begin: Callable[[], Any]
    commit: Callable[[], Any]
    is_postgresql: bool

    def lease(self) -> tuple[str, str] | None:
        """Claim a task; return the lease's token and the task."""
        cast = self._cast() | {"token": secrets.token_urlsafe(32), "task_id": ""}
        self._transact(self.recorded.lease, cast)
        return (cast["token"], cast["task_id"]) if cast["task_id"] else None

    def verdict(self, token: str, task_id: str) -> None:
        """Answer the task."""
        self._transact(self.recorded.verdict, self._cast() | {"token": token, "task_id": task_id})

    def _cast(self) -> dict[str, Any]:
        now = moments(datetime.now(UTC), is_postgresql=self.is_postgresql)
        return {"project": self.project, "reviewer": self.reviewer, **now}

    def _transact(self, statements: Iterable[Statement], cast: dict[str, Any]) -> None:
        self.begin()
        for statement in statements:
            if statement.needs_task and not cast["task_id"]:
                break
            self.cursor.execute(statement.sql, statement.filled(cast))
            if self.cursor.description is None:
                continue
            rows = self.cursor.fetchall()
            if rows and not cast["task_id"] and self.cursor.description[0][0] == "task_id":
                cast["task_id"] = rows[0][0]
        self.commit()


def _nothing() -> None:
    """Leave it to the driver, which begins with the first statement."""


def postgresql_loop(url: str, recorded: Recorded, project: str, reviewer: str) -> Loop:
    """Connect as our service does, with the same driver and the same settings."""
    address = make_url(url)
    connection = psycopg.connect(
        host=address.host, port=address.port or 5432, user=address.username, dbname=address.database
    )
    plan_once(connection)
    cursor = connection.cursor()
    return Loop(recorded, project, reviewer, cursor, _nothing, connection.commit, True)


def sqlite_loop(url: str, recorded: Recorded, project: str, reviewer: str) -> Loop:
    """Open the file with the pragmas of our service."""
    connection = sqlite3.connect(str(make_url(url).database), isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    cursor = connection.cursor()
    return Loop(
        recorded,
        project,
        reviewer,
        cursor,
        lambda: connection.execute("BEGIN IMMEDIATE"),
        connection.commit,
        False,
    )


def work(loop: Loop, begin: int, end: int) -> Tally:
    """Lease and answer until `end`, or until nothing is left."""
    tally = Tally()
    last = begin
    while (asked := time.monotonic_ns()) < end:
        held = loop.lease()
        if held is None:
            break
        leased = time.monotonic_ns()
        loop.verdict(*held)
        last = time.monotonic_ns()
        tally.answered.append(held[1])
        if begin <= last < end:
            tally.cycles += 1
            tally.leases.append(leased - asked)
            tally.verdicts.append(last - leased)
    tally.seconds = (min(last, end) - begin) / _NANOSECONDS
    return tally


def replay(url: str, project: str, reviewers: int, seconds: float, warm_seconds: float) -> Tally:
    """Run all loops; return what they did together."""
    recorded = asyncio.run(record(url, RECORDING))
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    opened = sqlite_loop if is_sqlite else postgresql_loop
    loops = [
        opened(url, recorded, project, f"reviewer-{number}")
        for number in range(1 if is_sqlite else reviewers)
    ]
    busy = time.process_time()
    begin = time.monotonic_ns() + int(warm_seconds * _NANOSECONDS)
    end = begin + int(seconds * _NANOSECONDS)
    tallies: list[Tally] = []
    # One lock at its end keeps what they did from being torn.
    done = threading.Lock()

    def one(loop: Loop) -> None:
        tally = work(loop, begin, end)
        with done:
            tallies.append(tally)

    threads = [threading.Thread(target=one, args=(loop,)) for loop in loops[1:]]
    for thread in threads:
        thread.start()
    one(loops[0])
    for thread in threads:
        thread.join()
    for loop in loops:
        loop.cursor.connection.close()
    return _together(tallies, busy)


def _together(tallies: list[Tally], busy: float) -> Tally:
    together = Tally(
        seconds=max(tally.seconds for tally in tallies), cpu_seconds=time.process_time() - busy
    )
    for tally in tallies:
        together.cycles += tally.cycles
        together.leases += tally.leases
        together.verdicts += tally.verdicts
        together.answered += tally.answered
    return together


def main() -> None:
    """Print the tally, and how many statements a cycle is, as JSON."""
    url, project, reviewers, seconds, warm_seconds = sys.argv[1:]
    tally = replay(url, project, int(reviewers), float(seconds), float(warm_seconds))
    sys.stdout.buffer.write(orjson.dumps(tally.as_dict()))


if __name__ == "__main__":
    main()
