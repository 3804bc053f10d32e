"""The tables of gold: known labels, probes of reviewers, pauses."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from services.review_queue.tables import Base, Json, Serial, partial_index, table_of
from shared.db import UtcDateTime


class GoldRow(Base, table=True):
    """The label that an operator vouches for. Reviewers get the item until `retired_at`."""

    __tablename__ = "gold"
    __table_args__ = (Index("gold_by_project", "project", "task_id"),)

    task_id: str = Field(primary_key=True, foreign_key="tasks.task_id")
    project: str = Field(foreign_key="projects.name")
    label: str
    explanation: str | None = None
    added_by: str
    added_at: datetime = Field(sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ProbeRow(Base, table=True):
    """A reviewer's lease of a gold item, and the answer; neither changes the task.

    `number` counts the leases of one reviewer and item, so that two calls at once cannot both make
    one. `kind` and `expected` are those of the moment. `ending`: verdict, skip, release, expiry or
    undo; null while it lasts. A skip "to me" is none that counts: not `skipped`. `state_after` and
    `revision` are what the reviewer is told of the task, as if it were an ordinary one; an undo
    keeps the `state_after` of the answer that it took back; "adjudication" is told as open.
    """

    __tablename__ = "probes"
    __table_args__ = (
        UniqueConstraint("task_id", "reviewer", "number"),
        Index("probes_by_reviewer", "project", "reviewer"),
    )

    token: str = Field(primary_key=True)
    project: str = Field(foreign_key="projects.name")
    task_id: str = Field(foreign_key="tasks.task_id")
    reviewer: str
    number: int
    kind: str
    expected: str
    suggestion: str | None = None
    instructions_revision: int
    leased_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ending: str | None = None
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    body_digest: str | None = None
    skipped: bool = False
    label: str | None = None
    comment: str | None = None
    active_seconds: float | None = None
    state_after: str | None = None
    revision: int = 0


class PauseRow(Base, table=True):
    """A pause: the reviewer gets no tasks of the project until `resumed_at`.

    `paused_by` is null where the evidence alone did it.
    """

    __tablename__ = "reviewer_pauses"
    __table_args__ = (
        partial_index(
            *("reviewer_pauses_standing", "project", "reviewer"),
            where="resumed_at IS NULL",
            unique=True,
        ),
    )

    pause_id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    project: str = Field(foreign_key="projects.name")
    reviewer: str
    reason: str
    evidence: dict[str, Any] | None = Field(default=None, sa_type=Json)
    paused_by: str | None = None
    paused_at: datetime = Field(sa_type=UtcDateTime)
    resumed_by: str | None = None
    resumed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


GOLD = table_of(GoldRow)
PROBES = table_of(ProbeRow)
PAUSES = table_of(PauseRow)
