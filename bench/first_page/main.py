"""``python -m bench first-page``: the console's first page over 50 projects and a million tasks.

The whole installation runs as ``python -m services up`` starts it, on PostgreSQL. An operator signs
in and loads the list of projects again and again. In the usual case one task in twenty waits; in
the worst all do, and 95 % of them have an answer too. Each project has a certified version, and as
many decisions of it as tasks.
"""

import argparse
import asyncio
import contextlib
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx
import psutil
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from bench.first_page import rows
from bench.idle.main import Installation, installation
from bench.page import PAGE, put_between, run
from bench.serving.machine import NOT_PINNED, describe_machine
from bench.serving.report import table
from shared.contracts.projects import Project
from tests.harness.servers import postgres_server

_SPEC = {"title": "Shop", "labels": ["negative", "positive"], "fields": {"text": {"type": "text"}}}
_SPEC |= {"promise": {"target_accuracy": 0.9, "confidence": 0.95}}
_TASK = {"item_id": "item-0", "data": {"text": "Arrived in two days, the box a little bent."}}
_OPTIONS = ("shared_preload_libraries=pg_stat_statements", "max_wal_size=4GB")
# Loops run other statements, more rarely than the page is loaded.
_SLOWEST = (
    "SELECT regexp_replace(query, '\\s+', ' ', 'g') AS words, mean_exec_time, max_exec_time "
    "FROM pg_stat_statements WHERE calls >= :calls AND query NOT LIKE '%pg_stat%' "
    "ORDER BY max_exec_time DESC LIMIT 3"
)
# As the page refreshes itself: its promises are asked for anew each time.
_PAUSE_SECONDS = 3.0
_WITH_DATABASE = ("review_queue", "trainer")
_WAITING_NTH = 20
_WARM_LOADS = 5


@dataclass(frozen=True)
class Sizes:
    """How many projects there are, tasks in each, and measured loads."""

    projects: int
    each: int
    loads: int


@dataclass(frozen=True)
class Measured:
    """One row of the table; times in milliseconds, processor time for each load."""

    case: str
    first: float
    loads: Sequence[float]
    services: float
    database: float
    slowest: Sequence[tuple[str, float, float]]

    @property
    def p95(self) -> float:
        """The time that 95 of 100 loads keep."""
        return statistics.quantiles(self.loads, n=20)[-1]


@contextlib.contextmanager
def _databases(server: str) -> Iterator[dict[str, Engine]]:
    """Give a fresh database to each service that has one."""
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    engines = {}
    with admin.connect() as connection:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_stat_statements"))
        for service in _WITH_DATABASE:
            connection.execute(text(f"DROP DATABASE IF EXISTS {service} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {service}"))
            url = make_url(server).set(database=service)
            engines[service] = create_engine(url)
    engines["admin"] = admin
    try:
        yield engines
    finally:
        for engine in engines.values():
            engine.dispose()


async def _fill(services: Installation, engines: dict[str, Engine], asked: Sizes) -> None:
    """Make the projects over the API, and their rows in the databases."""
    projects = []
    async with services.client("review_queue", "operator") as operator:
        for number in range(asked.projects):
            answer = await operator.put(f"/v1/projects/shop-{number:03}", json=_SPEC)
            projects.append(Project.model_validate_json(answer.raise_for_status().content))
        path = f"/v1/projects/{projects[0].project}/tasks"
        (await operator.post(path, json={"tasks": [_TASK]})).raise_for_status()
    rows.fill_queue(engines["review_queue"], asked.each, _WAITING_NTH)
    rows.fill_trainer(engines["trainer"], projects, asked.each)


async def _signed_in(services: Installation) -> httpx.AsyncClient:
    address = f"http://127.0.0.1:{services.ports['console']}"
    client = httpx.AsyncClient(base_url=address, timeout=60, trust_env=False)
    form = {"token": services.tokens["operator"]}
    answer = await client.post("/sign-in", data=form, headers={"Origin": address})
    assert answer.status_code == 303, answer.text
    return client


async def _load(client: httpx.AsyncClient, projects: int) -> float:
    await asyncio.sleep(_PAUSE_SECONDS)
    began = time.perf_counter()
    page = (await client.get("/")).raise_for_status().text
    took = 1000 * (time.perf_counter() - began)
    assert page.count('href="/projects/shop-') == projects, page
    return took


async def _measured(services: Installation, admin: Engine, case: str, asked: Sizes) -> Measured:
    """Load the page from a browser that has just signed in, and then warm."""
    client = await _signed_in(services)
    first = await _load(client, asked.projects)
    for _ in range(_WARM_LOADS):
        await _load(client, asked.projects)
    with admin.connect() as connection:
        connection.execute(text("SELECT pg_stat_statements_reset()"))
        used, database = services.server.cpu_seconds(), _postgres_seconds()
        loads = [await _load(client, asked.projects) for _ in range(asked.loads)]
        used, database = services.server.cpu_seconds() - used, _postgres_seconds() - database
        found = connection.execute(text(_SLOWEST), {"calls": asked.loads // 2}).all()
    await client.aclose()
    slowest = [(row.words, row.mean_exec_time, row.max_exec_time) for row in found]
    per_load = 1000 / asked.loads
    return Measured(case, first, loads, used * per_load, database * per_load, slowest)


async def _measure(server: str, asked: Sizes) -> list[Measured]:
    """Measure the usual case, and then the worst."""
    with _databases(server) as engines:
        urls = {
            f"SUREHAND_{name.upper()}_DATABASE_URL": engines[name].url.render_as_string(False)
            for name in _WITH_DATABASE
        }
        async with installation(urls) as services:
            await _fill(services, engines, asked)
            usual = await _measured(services, engines["admin"], "one in twenty", asked)
            print(_section([usual], ["Form: so far."]), flush=True)
            rows.let_all_wait(engines["review_queue"])
            worst = await _measured(services, engines["admin"], "all", asked)
    return [usual, worst]


def _postgres_seconds() -> float:
    """Return the processor time so far of PostgreSQL's processes."""
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.name() == "postgres":
                total += sum(child.cpu_times())
    return total


def _section(measured: Sequence[Measured], about: Sequence[str]) -> str:
    header = ["tasks that wait", "median, ms", "p95, ms", "first load, ms"]
    header += ["CPU of the services, ms", "CPU of PostgreSQL, ms", "slowest query: mean, max, ms"]
    lines = [
        [
            one.case,
            f"{statistics.median(one.loads):.0f}",
            f"{one.p95:.0f}",
            f"{one.first:.0f}",
            f"{one.services:.0f}",
            f"{one.database:.0f}",
            f"{one.slowest[0][1]:.1f}, {one.slowest[0][2]:.1f}" if one.slowest else "-",
        ]
        for one in measured
    ]
    return "\n".join([*(f"- {line}" for line in about), "", table(header, lines)])


def main(arguments: list[str]) -> None:
    """Print the table; with `--write` put it into the page."""
    parser = argparse.ArgumentParser(prog="python -m bench first-page", description=__doc__)
    parser.add_argument("--projects", type=int, default=50)
    parser.add_argument("--each", type=int, default=20_000, help="tasks of a project")
    parser.add_argument("--loads", type=int, default=30)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    with postgres_server(durable=True, options=_OPTIONS) as server:
        measured = run(_measure(server, Sizes(asked.projects, asked.each, asked.loads)))
    for one in measured:
        for words, mean, most in one.slowest:
            print(f"{one.case}: {mean:.1f} ms, at most {most:.1f}: {words[:150]}")
    about = describe_machine(NOT_PINNED, ("fastapi", "sqlalchemy", "psycopg"), ())
    form = f"{asked.projects} projects, {asked.projects * asked.each:,} tasks, {asked.loads} loads."
    text_of_page = _section(measured, [*about, f"Form: {form}"])
    print(text_of_page)
    if asked.write:
        PAGE.write_text(put_between(PAGE.read_text(), "first-page", text_of_page))
