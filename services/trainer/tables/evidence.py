"""What was read and imported: outcomes, decisions, pool, and the snapshots made of them."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, ColumnElement, Index, UniqueConstraint, exists, text
from sqlmodel import Field

from services.trainer.tables.base import SERIAL, Base, same_item
from shared.contracts.base import new_id
from shared.db import UtcDateTime

# States of a second opinion that may still come.
WAITING = ("wanted", "asked")
OpinionLane = Literal["audit", "certification"]


class OutcomeRow(Base, table=True):
    """The latest revision of one item's outcome; `position` is the order of arrival here.

    Later is a higher `revision` in the same `reading` of the feed, and any row of a later reading.

    `label` is the outcome as it stands, and trains; a promise is judged by `evidence_label` and
    `evidence_blind`, which are null where the release before wrote the row (`outcomes.evidence`
    reads them). `evidence_is_lone`: the label is one reviewer's answer. `erasure` is null but for
    items that were erased: `pending` while snapshots may hold them, then `done`. Their label still
    counts as evidence, and trains nothing. `source`, `verdicts` (how many reviewers answered) and
    `instructions_revision` are null where the release before wrote the row.
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
    evidence_is_lone: bool | None = None
    data: dict[str, Any] = Field(sa_type=JSON)
    content_hash: str
    prediction: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    resolved_at: datetime = Field(sa_type=UtcDateTime)
    source: str | None = None
    verdicts: int | None = None
    instructions_revision: int | None = None
    trace: str | None = None
    erasure: str | None = None


class SecondOpinion(Base, table=True):
    """Another reviewer's opinion on an item whose `revision` rests on one answer, and is doubted.

    `state`: wanted, asked, answered, unanswered (in time), or refused: there is no other reviewer.
    """

    __tablename__ = "second_opinions"

    project: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True)
    revision: int
    lane: str
    state: str = "wanted"
    wanted_at: datetime = Field(sa_type=UtcDateTime)


# Both databases have this operator, and an index must be written as the queries that use it.
REASON = "\"row\" ->> 'reason'"


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
        Index("ix_ledger_version", "project", "model_version", "id"),
        Index("ix_ledger_reason", "project", text(f"({REASON})"), "id"),
        # All that counting audited answers reads; the conditions are worded as SQLAlchemy's are.
        Index(
            "ix_ledger_audited",
            "project",
            "model_version",
            "item_id",
            "content_hash",
            "decision",
            "id",
            sqlite_where=text("audited IS 1"),
            postgresql_where=text("audited IS true"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=SERIAL)
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


class LedgerDay(Base, table=True):
    """Decisions received on one day (UTC, as text), by version (empty: none) and reason.

    `confidences` has how many of them had a confidence in each of 50 equal bins of [0, 1].
    """

    __tablename__ = "ledger_days"

    project: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    decisions: int
    confidences: list[int] = Field(sa_type=JSON)


class PoolItem(Base, table=True):
    """An unlabelled item; `state` is waiting, reserved, asked, passed, refused or erased.

    `reserved` items, a share of the import that a key decides, are at all times a uniform sample of
    it; so are `waiting` ones as long as all batches were drawn at random. `arm` says how an asked
    item of batch `batch_id` was chosen (`PoolBatch`); null is a draw at random, as a batch of the
    release before. `declined`, without a batch, are those that a job has not labelled;
    their tasks carry the version's `prediction`.
    `propensity` is the chance that an asked item had of being chosen; null where it is not known.
    """

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
    batch_id: str | None = None
    arm: str | None = None
    propensity: float | None = None
    prediction: dict[str, Any] | None = Field(default=None, sa_type=JSON)


# Arms whose items are a uniform sample of the import.
UNIFORM_ARM = "random"
# Items that a job left to people, since no certificate covers the version's answer.
DECLINED_ARM = "declined"


class PoolBatch(Base, table=True):
    """A batch of the pool's items that people are asked about.

    `strategy` was asked for, `used` is what chose. Of `tasks` items, `arms` has the number of each
    arm: `typiclust` and `margin` were chosen (`chosen` together), `random` are a uniform sample of
    the import, `remaining` were drawn at random from what earlier choices had left.
    """

    __tablename__ = "pool_batches"
    __table_args__ = (UniqueConstraint("project", "idempotency_key", name="uq_pool_batches_key"),)

    batch_id: str = Field(default_factory=new_id, primary_key=True)
    project: str
    idempotency_key: str | None = None
    strategy: str
    used: str
    size: int
    tasks: int = 0
    chosen: int = 0
    arms: dict[str, int] = Field(default_factory=dict, sa_type=JSON)
    candidates: int = 0
    version: str | None = None
    requested_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)


class LearningPoint(Base, table=True):
    """How far a version's answers agree with its predecessor's, on `items` unlabelled items.

    `control` is what the labels of the moment said of the selection that chose them.
    """

    __tablename__ = "learning_points"

    project: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    previous: str | None = None
    kappa: float | None = None
    items: int
    control: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    measured_at: datetime = Field(sa_type=UtcDateTime)


class Dataset(Base, table=True):
    """A frozen snapshot of labels; its id is the SHA-256 of its canonical lines.

    `erased` of its `items` are no longer in the file, since they were erased. It holds nothing of
    the share `holdout_rate` of the traffic received since `holdout_since`, but for what
    certifications have used. `policy` says how it was made (`DatasetPolicy`); null where the
    release before made it.
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
    holdout_rate: float = 0.0
    holdout_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    policy: dict[str, Any] | None = Field(default=None, sa_type=JSON)


def is_answered(table: Any) -> ColumnElement[bool]:
    """Say in SQL that the item of a row of `table` has an outcome."""
    return exists().where(same_item(OutcomeRow, table))
