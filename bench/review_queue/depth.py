"""A lease with few open tasks, and with a hundred times as many."""

import contextlib
from collections.abc import Iterator

from bench.review_queue.contenders import FEW, Machine, surehand_on
from bench.review_queue.databases import Postgres, Queue, sqlite_queue
from bench.review_queue.desks import prepared
from bench.review_queue.measurement import Cycles
from bench.review_queue.results import FEW_TASKS, MANY_TASKS, Results, Row
from bench.serving.processes import ServerFailed

_MANY = "many"


async def measure_depth(machine: Machine, results: Results, rounds: int, many: int) -> None:
    """Measure both, in turn, on both databases; `many` may be less than a million, to try it."""
    for key, made, postgres in (
        ("PostgreSQL", _on_postgresql, machine.postgres),
        ("SQLite", _on_sqlite, None),
    ):
        row = results.depths[key] = Row(key, key)
        with made(machine, "few") as few, made(machine, "many") as deep:
            for queue in (few, deep):
                await prepared(queue)
            deep.fill(_MANY, many)
            try:
                for number in range(rounds):
                    # A round takes most of the few, and hardly any of the many.
                    fresh = f"few-{number}"
                    few.fill(fresh, FEW_TASKS)
                    for queue, project, tasks in (
                        (few, fresh, FEW_TASKS),
                        (deep, _MANY, MANY_TASKS),
                    ):
                        measured = await _measured(machine, queue, postgres, project)
                        row.add(tasks, measured)
                        _say(row, tasks, measured)
            except ServerFailed as failure:
                row.left_out = str(failure)


async def _measured(
    machine: Machine, queue: Queue, postgres: Postgres | None, project: str
) -> Cycles:
    """Let a few people work; rounds before have taken what they took."""
    before, _ = queue.resolved(project)
    async with surehand_on(machine.ground, queue, postgres) as desk:
        return await desk.shift(project, FEW, answered_before=before)


def _say(row: Row, tasks: int, measured: Cycles) -> None:
    print(
        f"  {row.name}, {tasks:,} open tasks: lease p50 {measured.lease_p50_ms:.2f} ms, "
        f"p99 {measured.lease_p99_ms:.2f} ms, {measured.per_second:,.0f} cycles/s",
        flush=True,
    )


@contextlib.contextmanager
def _on_postgresql(machine: Machine, name: str) -> Iterator[Queue]:
    with machine.postgres.queue(name) as queue:
        yield queue


@contextlib.contextmanager
def _on_sqlite(machine: Machine, name: str) -> Iterator[Queue]:
    with sqlite_queue(machine.ground.folder, name) as queue:
        yield queue
