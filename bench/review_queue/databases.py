"""Databases to measure on: each fresh and migrated, with as many open tasks as are asked for."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.engine import make_url

from bench.serving.processes import Cores, pin
from services.review_queue.app import MIGRATIONS
from services.review_queue.lifecycle.intake import IntakeService
from services.review_queue.tables import ProjectRow
from shared.contracts.base import utc_now
from shared.contracts.projects import ProjectSpec
from shared.db import Database
from tests.harness.servers import postgres_server

LABELS = ["negative", "positive"]
# What all made-up projects and tasks are copies of.
TEMPLATE = "template"
EXAMPLE_TEXT = (
    "Arrived in two days, the box a little bent, and works as it should. Would buy it again."
)
_SPEC = ProjectSpec.model_validate(
    {"labels": LABELS, "fields": {"text": {"type": "text"}}, "review": {"lease_seconds": 600}}
)
_PREDICTION = {
    "label": "positive",
    "confidence": 0.71,
    "probabilities": {"negative": 0.29, "positive": 0.71},
    "model_version": "v1",
    "propensity": 1.0,
    "reason": "below_threshold",
    "policy_revision": 1,
}
_NEW_ID = {
    "postgresql": "gen_random_uuid()::text",
    "sqlite": "lower(hex(randomblob(16)))",
}


@dataclass(frozen=True)
class Queue:
    """One migrated database. `url` is the service's."""

    url: str
    engine: Engine

    @property
    def is_postgresql(self) -> bool:
        """Say which of the two databases this is."""
        return self.engine.dialect.name == "postgresql"

    async def prepare(self) -> None:
        """Migrate, and make the project and the task that all others are copies of."""
        database = Database(self.url)
        try:
            await database.migrate(MIGRATIONS)
            now = utc_now()
            async with database.transaction() as session:
                session.add(
                    ProjectRow(
                        name=TEMPLATE,
                        spec=_SPEC.model_dump(mode="json"),
                        revision=1,
                        instructions_revision=1,
                        published_revision=1,
                        created_at=now,
                        updated_at=now,
                    )
                )
            task = {"item_id": "item", "data": {"text": EXAMPLE_TEXT}, "prediction": _PREDICTION}
            await IntakeService(database, utc_now, lambda: None).enqueue(TEMPLATE, [task], "bench")
        finally:
            await database.dispose()

    def fill(self, project: str, tasks: int) -> None:
        """Make `project` with so many open tasks, all of one lane."""
        with self.engine.begin() as connection:
            connection.execute(text(self._copies("projects", {"name": ":project"})), {
                "project": project, "template": TEMPLATE, "copies": 1})  # fmt: skip
            changed = {
                "task_id": _NEW_ID[self.engine.dialect.name],
                "item_id": "'item-' || n",
                "project": ":project",
                "turn": "turn + n",
            }
            connection.execute(text(self._copies("tasks", changed)), {
                "project": project, "template": TEMPLATE, "copies": tasks})  # fmt: skip
        if self.is_postgresql:
            self.vacuum()

    def vacuum(self) -> None:
        """Give PostgreSQL what its planner knows of a table in use."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as alone:
            alone.execute(text("VACUUM ANALYZE tasks"))

    def _copies(self, table: str, changed: dict[str, str]) -> str:
        names = [column["name"] for column in inspect(self.engine).get_columns(table)]
        values = ", ".join(changed.get(name, name) for name in names)
        of_template = "name" if table == "projects" else "project"
        return (
            f"INSERT INTO {table} ({', '.join(names)}) WITH RECURSIVE numbers(n) AS "
            "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :copies) "
            f"SELECT {values} FROM {table}, numbers WHERE {of_template} = :template"
        )

    def resolved(self, project: str) -> tuple[int, int]:
        """Return how many tasks of a project have an outcome, and how many verdicts they have."""
        with self.engine.connect() as connection:
            outcomes = connection.execute(
                text("SELECT count(*) FROM outcomes WHERE project = :project"),
                {"project": project},
            ).scalar_one()
            verdicts = connection.execute(
                text("SELECT count(*) FROM verdicts JOIN tasks USING (task_id) "
                     "WHERE tasks.project = :project"),
                {"project": project},
            ).scalar_one()  # fmt: skip
        return outcomes, verdicts


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL server, as durable as by default. `url` is its maintenance database."""

    url: str
    process: psutil.Process

    @contextlib.contextmanager
    def queue(self, name: str) -> Iterator[Queue]:
        """Give an empty database of this name."""
        self.create(name)
        url = make_url(self.url).set(database=name).render_as_string(hide_password=False)
        with _opened(url, url) as queue:
            yield queue

    def create(self, name: str) -> None:
        """Make an empty database in place of the one of this name."""
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()

    def cpu_seconds(self) -> float:
        """Processor time of all its processes so far, of those that have ended too."""
        total = 0.0
        for one in [self.process, *self.process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(one.cpu_times())
        return total

    @property
    def version(self) -> str:
        """Its version, e.g. 18.1."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            version: str = connection.execute(text("SHOW server_version")).scalar_one()
        engine.dispose()
        return version.split(maxsplit=1)[0]


@contextlib.contextmanager
def postgres(cores: Cores) -> Iterator[Postgres]:
    """Run PostgreSQL on the server's core: the measured server shares it."""
    known = set(psutil.Process().children())
    pin(cores.server)
    try:
        with contextlib.ExitStack() as stack:
            url = stack.enter_context(postgres_server(durable=True))
            pin(cores.load)
            (process,) = set(psutil.Process().children()) - known
            yield Postgres(url, process)
    finally:
        pin(cores.load)


@contextlib.contextmanager
def sqlite_queue(folder: Path, name: str) -> Iterator[Queue]:
    """Give an empty SQLite file of this name."""
    file = folder / f"{name}.db"
    with _opened(f"sqlite+aiosqlite:///{file}", f"sqlite:///{file}") as queue:
        yield queue
    for left in folder.glob(f"{name}.db*"):
        left.unlink()


@contextlib.contextmanager
def _opened(url: str, sync_url: str) -> Iterator[Queue]:
    engine = create_engine(sync_url)
    try:
        yield Queue(url, engine)
    finally:
        engine.dispose()
