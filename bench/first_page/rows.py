"""Rows of many tasks, answers and decisions, made by PostgreSQL itself from one of each."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, inspect, text
from sqlmodel import Session

from services.trainer.projects.repository import fresh_state
from services.trainer.tables import LedgerRow, ProjectState, Version
from shared.contracts.projects import Project
from tests.harness.model_publisher import entry_of, manifest_of

# One second after the other; a fifth of them is of today.
_MOMENT = "CAST(:began AS timestamptz) + n * interval '1 second'"
_WAITS = "n % :nth = 0"
_TASK = {
    "task_id": "lpad(to_hex(n), 8, '0') || '-0000-4000-8000-' || substr(md5(owner.name), 1, 12)",
    "item_id": "'item-' || n",
    "project": "owner.name",
    "state": f"CASE WHEN {_WAITS} THEN 'open' ELSE 'resolved' END",
    "turn": f"CASE WHEN {_WAITS} THEN template.turn + n END",
    "label": f"CASE WHEN {_WAITS} THEN NULL ELSE 'positive' END",
    "source": f"CASE WHEN {_WAITS} THEN NULL ELSE 'human' END",
    "revision": f"CASE WHEN {_WAITS} THEN 0 ELSE 1 END",
    "created_at": _MOMENT,
    "resolved_at": f"CASE WHEN {_WAITS} THEN NULL ELSE {_MOMENT} END",
}
_VERDICTS = (
    "INSERT INTO verdicts (project, task_id, reviewer, recorded_by, skipped, label, blind, "
    "given_at) SELECT project, task_id, 'r' || abs(hashtext(item_id)) % 10, 'bench', false, label, "
    "true, resolved_at FROM tasks WHERE state = 'resolved'"
)
_REOPENED = (
    "UPDATE tasks SET state = 'open', turn = row_number, label = NULL, source = NULL, "
    "resolved_at = NULL FROM (SELECT task_id AS id, row_number() OVER (ORDER BY created_at) "
    "FROM tasks WHERE turn IS NULL) AS resolved WHERE task_id = id"
)
_DECISION = {
    "id": "nextval(pg_get_serial_sequence('ledger_rows', 'id'))",
    "item_id": "'item-' || n",
    "project": "owner.project",
    "decision": "CASE WHEN n % 4 = 0 THEN 'in_review' ELSE 'answered' END",
    "audited": "n % 50 = 1",
    "received_at": _MOMENT,
}
_CHAMPION = "v1"


def fill_queue(engine: Engine, each: int, nth: int) -> None:
    """Give every project `each` more tasks, copies of the only one; one in `nth` waits."""
    copies = _copies(engine, "tasks", _TASK, "projects")
    with engine.begin() as connection, _without_indexes(connection, "tasks", "verdicts"):
        connection.execute(text(copies), {"each": each, "nth": nth, "began": _began(each)})
        connection.execute(text(_VERDICTS))
    vacuum(engine)


def let_all_wait(engine: Engine) -> None:
    """Open every task again; the answers stay."""
    with engine.begin() as connection, _without_indexes(connection, "tasks"):
        connection.execute(text(_REOPENED))
    vacuum(engine)


def fill_trainer(engine: Engine, projects: Sequence[Project], each: int) -> None:
    """Give every project a certified champion, and `each` decisions of it."""
    began, name = _began(each), projects[0].project
    with Session(engine) as session:
        for project in projects:
            state = session.get(ProjectState, project.project) or fresh_state(project.project)
            state.champion, state.next_version = _CHAMPION, 2
            state.watched_until = datetime.now(UTC) + timedelta(days=1)
            session.add(state)
            session.add(_version(project, began))
        session.add(_decision(name, began))
        session.commit()
    copies = _copies(engine, "ledger_rows", _DECISION, "project_state")
    with engine.begin() as connection, _without_indexes(connection, "ledger_rows"):
        connection.execute(text(copies), {"each": each, "began": began})
    vacuum(engine)


def vacuum(engine: Engine) -> None:
    """Give PostgreSQL what it knows of tables in use."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as alone:
        alone.execute(text("VACUUM ANALYZE"))


@contextlib.contextmanager
def _without_indexes(connection: Connection, *tables: str) -> Iterator[None]:
    """Drop the indexes of tables, but for those of constraints, and build them afterwards."""
    found = connection.execute(
        text(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(:tables) "
            "AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        ),
        {"tables": list(tables)},
    ).all()
    for name, _ in found:
        connection.execute(text(f'DROP INDEX "{name}"'))
    yield
    for _, definition in found:
        connection.execute(text(definition))


def _began(each: int) -> datetime:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(seconds=0.8 * each)


def _copies(engine: Engine, table: str, changed: Mapping[str, str], owners: str) -> str:
    """Return the statement that copies the only row of `table`, `:each` times for every owner."""
    names = [column["name"] for column in inspect(engine).get_columns(table)]
    values = ", ".join(changed.get(name, f"template.{name}") for name in _quoted(names))
    return (
        f"INSERT INTO {table} ({', '.join(_quoted(names))}) SELECT {values} "
        f"FROM {table} AS template, {owners} AS owner, generate_series(1, :each) AS n"
    )


def _quoted(names: Sequence[str]) -> list[str]:
    return ['"row"' if name == "row" else name for name in names]


def _version(project: Project, began: datetime) -> Version:
    model = project.project.encode()
    manifest = manifest_of(_CHAMPION, model, labels=project.labels)
    entry = entry_of(project, manifest.model_sha256, now=began)
    assert entry.certificate is not None
    return Version(
        project=project.project,
        version=_CHAMPION,
        number=1,
        run_id="bench",
        dataset_id="bench",
        manifest=manifest.model_dump(mode="json"),
        tune={},
        certificate=entry.certificate.model_dump(mode="json"),
        expires_at=entry.expires_at,
        created_at=began,
        noted_state="certified",
    )


def _decision(project: str, at: datetime) -> LedgerRow:
    row = {"decision": "answered", "label": "positive", "confidence": 0.97, "reason": "certified"}
    return LedgerRow(
        project=project,
        item_id="item-0",
        received_at=at,
        content_hash="",
        review="auto",
        decision="answered",
        audited=False,
        label="positive",
        model_version=_CHAMPION,
        row=row,
    )
