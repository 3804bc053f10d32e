"""The trainer's tables. JSON columns hold wire messages or plain numbers, never objects."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, MetaData, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel

from shared.contracts.base import new_id
from shared.db import Session, UtcDateTime


class Base(SQLModel):
    """Tables of this service alone: another service in the same process has its own metadata."""

    metadata = MetaData()


class ProjectState(Base, table=True):
    """The trainer's state of one project. Its row is the lock of every decision about it."""

    __tablename__ = "project_state"

    project: str = Field(primary_key=True)
    pool_seed: str
    audit_epoch: str
    outcomes_cursor: str | None = None
    outcomes_seen: int = 0
    feed_reading: int = 0
    """How often the feed was begun anew, since the review queue's database was restored."""
    ledger_day: str | None = None
    trained_position: int = 0
    """`outcomes.position` up to which labels have been used up by a run."""
    next_version: int = 1
    champion: str | None = None
    previous: str | None = None
    challenger: str | None = None
    challenger_share: float = 0.0
    shadow: list[str] = Field(default_factory=list, sa_type=JSON)
    history: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    watched_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    epoch: int = Field(default=0, sa_type=BigInteger)
    """Of the documents: when this database, or its restoration, began to write them; 0: not yet."""
    policy_revision: int = 0
    channels_revision: int = 0


class ProjectLease(Base, table=True):
    """Which trainer works for a project. `fencing` counts the trainers that have."""

    __tablename__ = "project_leases"

    project: str = Field(primary_key=True)
    owner: str
    fencing: int = Field(sa_type=BigInteger)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class OutcomeRow(Base, table=True):
    """The latest revision of one item's outcome; `position` is the order of arrival here.

    Later is a higher `revision` in the same `reading` of the feed, and any row of a later reading.

    `label` is the outcome as it stands, and trains; a promise is judged by `evidence_label` and
    `evidence_blind`, which are null where the release before wrote the row (`outcomes.evidence`
    reads them). `erasure` is null but for items that were erased: `pending` while
    snapshots may hold them, then `done`. Their label still counts as evidence, and trains nothing.
    """

    __tablename__ = "outcomes"
    __table_args__ = (
        Index("ix_outcomes_position", "project", "position"),
        Index("ix_outcomes_erasure", "project", "erasure"),
    )

    project: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True)
    position: int
    reading: int = 0
    revision: int
    lane: str
    label: str | None = None
    blind: bool
    evidence_label: str | None = None
    evidence_blind: bool | None = None
    data: dict[str, Any] = Field(sa_type=JSON)
    content_hash: str
    prediction: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    resolved_at: datetime = Field(sa_type=UtcDateTime)
    trace: str | None = None
    erasure: str | None = None


class LedgerFile(Base, table=True):
    """A decision-log file that was read, whole or as far as it is readable."""

    __tablename__ = "ledger_files"

    project: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    state: str
    lines: int
    bad_lines: int
    read_at: datetime = Field(sa_type=UtcDateTime)


class LedgerRow(Base, table=True):
    """One routing decision, as the router logged it (`row` is the whole DecisionRow)."""

    __tablename__ = "ledger_rows"
    __table_args__ = (
        Index("ix_ledger_item", "project", "item_id", "id"),
        Index("ix_ledger_received", "project", "received_at"),
    )

    id: int | None = Field(
        default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite")
    )
    project: str
    item_id: str
    received_at: datetime = Field(sa_type=UtcDateTime)
    content_hash: str
    review: str
    decision: str
    audited: bool
    label: str | None = None
    model_version: str | None = None
    row: dict[str, Any] = Field(sa_type=JSON)


class PoolItem(Base, table=True):
    """An unlabelled item. `waiting` items are at all times a uniform sample of the import."""

    __tablename__ = "pool_items"
    __table_args__ = (
        UniqueConstraint("project", "content_hash", name="uq_pool_content"),
        Index("ix_pool_order", "project", "state", "order_key"),
    )

    project: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True)
    data: dict[str, Any] = Field(sa_type=JSON)
    item_metadata: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    content_hash: str
    order_key: str
    state: str = "waiting"
    posted: bool = False
    imported_at: datetime = Field(sa_type=UtcDateTime)


class Dataset(Base, table=True):
    """A frozen snapshot of labels; its id is the SHA-256 of its canonical lines.

    `erased` of its `items` are no longer in the file, since they were erased.
    """

    __tablename__ = "datasets"

    project: str = Field(primary_key=True)
    dataset_id: str = Field(primary_key=True)
    path: str
    items: int
    erased: int = 0
    outcomes_cursor: str | None = None
    position: int
    labels: dict[str, int] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Run(Base, table=True):
    """One training run in a process of its own."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_state", "project", "state"),)

    run_id: str = Field(default_factory=new_id, primary_key=True)
    project: str
    mode: str
    recipe: str
    requested_by: str
    state: str = "queued"
    progress: float = 0.0
    detail: str | None = None
    log: str = ""
    version: str | None = None
    dataset_id: str | None = None
    owner: str | None = None
    heartbeat_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cancel_requested: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Version(Base, table=True):
    """A published model version; `certificate` is set once it is certified."""

    __tablename__ = "versions"

    project: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    number: int
    run_id: str
    dataset_id: str
    manifest: dict[str, Any] = Field(sa_type=JSON)
    tune: dict[str, Any] = Field(sa_type=JSON)
    """Out-of-fold evidence: item_ids, scores, correct, uniform (drawn without a model's say)."""
    gate: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    certificate: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retired: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)


class Certification(Base, table=True):
    """One attempt at certifying one version: waiting, open, certified, failed or cancelled."""

    __tablename__ = "certifications"
    __table_args__ = (Index("ix_certifications_state", "project", "state"),)

    certification_id: str = Field(default_factory=new_id, primary_key=True)
    project: str
    version: str
    attempt: int
    state: str = "waiting"
    plan: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    population: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    project_digest: str | None = None
    result: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    labels_short: int | None = None
    detail: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CertificationItem(Base, table=True):
    """An item drawn for a certification, with the version's label and score."""

    __tablename__ = "certification_items"
    __table_args__ = (Index("ix_certification_items_item", "project", "item_id"),)

    certification_id: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True)
    project: str
    position: int
    data: dict[str, Any] = Field(sa_type=JSON)
    item_metadata: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    score: float
    label: str
    posted: bool = False
    refused: str | None = None


def batches_of(item_ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield the distinct ids, as many at a time as a statement may list."""
    wanted = sorted(set(item_ids))
    for start in range(0, len(wanted), 500):
        yield wanted[start : start + 500]


async def insert_new(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> int:
    """Insert `rows`, skipping each that a unique constraint already knows; return how many."""
    if not rows:
        return 0
    target: Table = table.__table__  # type: ignore[attr-defined]
    keys = list(target.primary_key.columns)
    if session.get_bind().dialect.name == "sqlite":
        statement = sqlite.insert(target).on_conflict_do_nothing().returning(*keys)
    else:
        statement = postgresql.insert(target).on_conflict_do_nothing().returning(*keys)
    return len((await session.execute(statement, list(rows))).all())
