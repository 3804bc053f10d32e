"""Projects as the trainer knows them, their runs and versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index
from sqlmodel import Field

from services.trainer.tables.base import Base
from shared.contracts.base import new_id
from shared.db import UtcDateTime


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
    suspension: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """An operator's, of all versions: cause, actor, at."""
    period_began_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    first_revision: int = 1
    """Of the project that the rows belong to; a later one of the name gets nothing of them."""
    tests_in_period: int = 0
    """Certifications opened since; all of a period share one delta, whatever their versions."""
    question: str | None = None
    """Digest of what reviewers are asked (`question_digest`)."""
    asked_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the question was seen first; null if it is the project's first one."""


class ProjectLease(Base, table=True):
    """Which trainer works for a project. `fencing` counts the trainers that have."""

    __tablename__ = "project_leases"

    project: str = Field(primary_key=True)
    owner: str
    fencing: int = Field(sa_type=BigInteger)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class Run(Base, table=True):
    """One training run in a process of its own.

    `cause` says what began it (operator, labels, drift, schedule or upload), and `reason` why it
    began now and has this mode; both are null where the release before began it.
    """

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
    cause: str | None = None
    reason: str | None = None


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
    suspension: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """Set by the audit of its answers: cause, at, and the evidence."""
    warning: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """Cause and at; more of its answers are audited while it is set."""
    noted_state: str | None = None
    """The state that the history of the promise names last."""

    @property
    def certified_at(self) -> datetime | None:
        """When its certificate was given."""
        if self.certificate is None:
            return None
        return datetime.fromisoformat(self.certificate["certified_at"])
