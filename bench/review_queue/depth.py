"""A lease with few open tasks, and with a hundred times as many."""

import contextlib
from collections.abc import Iterator

from bench.review_queue.contenders import FEW, Machine, surehand_on
from bench.review_queue.databases import Postgres, Queue, sqlite_queue
from bench.review_queue.desks import prepared
from bench.review_queue.results import FEW_TASKS, MANY_TASKS, Results, Row
from bench.serving.processes import ServerFailed

_PROJECT = "deep"


async def measure_depth(machine: Machine, results: Results, rounds: int, many: int) -> None:
    """Measure both, in turn, on both databases; `many` may be less than a million, to try it."""
    for key, made, postgres in (
        ("PostgreSQL", _on_postgresql, machine.postgres),
        ("SQLite", _on_sqlite, None),
    ):
        row = results.depths[key] = Row(key, key)
        with made(machine, "few") as few, made(machine, "many") as deep:
            for queue, tasks in ((few, FEW_TASKS), (deep, many)):
                await prepared(queue)
                queue.fill(_PROJECT, tasks)
            try:
                for number in range(rounds):
                    for queue, tasks in ((few, FEW_TASKS), (deep, MANY_TASKS)):
                        await _measure(machine, queue, postgres, row, tasks, again=number > 0)
            except ServerFailed as failure:
                row.left_out = str(failure)


async def _measure(
    machine: Machine, queue: Queue, postgres: Postgres | None, row: Row, tasks: int, *, again: bool
) -> None:
    """Let a few people work; the round before has taken what it took."""
    before = queue.resolved(_PROJECT)[0] if again else 0
    async with surehand_on(machine.ground, queue, postgres) as desk:
        cycles = await desk.shift(_PROJECT, FEW, answered_before=before)
    row.add(tasks, cycles)
    print(
        f"  {row.name}, {tasks:,} open tasks: lease p50 {cycles.lease_p50_ms:.2f} ms, "
        f"p99 {cycles.lease_p99_ms:.2f} ms, {cycles.per_second:,.0f} cycles/s",
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
