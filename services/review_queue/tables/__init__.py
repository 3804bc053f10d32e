"""The tables of projects, tasks and outcomes; other features have modules of their own."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from shared.db import UtcDateTime
from shared.outbox import OutboxColumns

# SQLite counts rows by itself only in a column declared INTEGER.
Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Json = sa.JSON(none_as_null=True)


def table_of(model: type[SQLModel]) -> sa.Table:
    """Return the table of `model`."""
    return model.metadata.tables[str(model.__tablename__)]


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """Return an index of the rows that the condition `where` holds for."""
    condition = sa.text(where)
    return sa.Index(
        name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition
    )


class Base(SQLModel):
    """The base of this service's tables."""

    metadata = sa.MetaData()


class ProjectRow(Base, table=True):
    """A project. `published_revision` is the revision last written to the store, 0 for none.

    Since `deleted_at` its spec is empty and its rows elsewhere are being removed, until
    `removed_at`. The row stays: a new project of the name begins at `first_revision`, above all
    revisions of the earlier one, whose outcomes reached `last_position` of the feed.
    """

    __tablename__ = "projects"

    name: str = Field(primary_key=True)
    spec: dict[str, Any] = Field(sa_type=Json)
    revision: int
    instructions_revision: int
    published_revision: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    first_revision: int = 1
    last_position: int = Field(default=0, sa_type=sa.BigInteger)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class TaskRow(Base, table=True):
    """One task an item.

    `needs` are the tags that its reviewers must have, empty for none (`lifecycle/needs.py`).
    `turn` orders the claims of its lane's group, and is null while the task cannot be claimed: once
    it is resolved, and while it waits for an `adjudication`. An `optional` one expires at `due_at`.
    `available_at` is the moment from which all may claim it; `reserved_for` may do so before.
    `lease_number` names the lease that holds now; `revision` counts the outcomes; `trace` is the
    span that asked for the task. Since `erased_at` it has no content, and stays resolved for ever.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        sa.UniqueConstraint("project", "item_id"),
        sa.Index("tasks_by_needs", "project", "lane_group", "needs", "turn"),
        sa.Index("tasks_for_adjudication", "project", "adjudication"),
        sa.Index("tasks_by_creation", "project", "created_at", "task_id"),
        partial_index("tasks_waiting", "project", "created_at", "turn", where="turn IS NOT NULL"),
        # Of the few that may expire alone: no other claim or verdict touches it.
        partial_index("tasks_by_expiry", "due_at", where="lane = 'optional' AND turn IS NOT NULL"),
        partial_index(
            "tasks_gold", "project", "task_id", where="lane = 'gold' AND source = 'adjudicator'"
        ),
    )

    task_id: str = Field(primary_key=True)
    project: str = Field(foreign_key="projects.name")
    item_id: str
    data: dict[str, Any] = Field(sa_type=Json)
    data_digest: str
    item_metadata: dict[str, str] = Field(sa_type=Json)
    # The release before writes rows without it.
    needs: str = Field(default="", sa_column_kwargs={"server_default": ""})
    prediction: dict[str, Any] | None = Field(default=None, sa_type=Json)
    lane: str
    lane_group: str
    adjudication: bool = False
    state: str = "open"
    turn: int | None = Field(sa_type=sa.BigInteger)
    available_at: datetime = Field(sa_type=UtcDateTime)
    reserved_for: str | None = None
    holder: str | None = None
    lease_number: int = 0
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    skips: int = 0
    revision: int = 0
    label: str | None = None
    source: str | None = None
    resolved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    trace: str | None = None
    erased_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    second_opinion: bool = False


class LeaseRow(Base, table=True):
    """One claim on a task, and how it ended.

    `ending`: verdict, skip, release, expiry, superseded or undo; null while it lasts. The columns
    after it keep the answer that was given, so that a repeated call gets the same one.
    """

    __tablename__ = "leases"
    __table_args__ = (
        sa.UniqueConstraint("task_id", "number"),
        sa.Index("leases_by_expiry", "ended_at", "expires_at"),
    )

    token: str = Field(primary_key=True)
    task_id: str = Field(foreign_key="tasks.task_id")
    number: int
    reviewer: str
    leased_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    suggestion_shown: bool
    instructions_revision: int
    ending: str | None = None
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    body_digest: str | None = None
    state_after: str | None = None
    revision_after: int | None = None
    outcome_revision: int | None = None


class VerdictRow(Base, table=True):
    """One reviewer's answer (`label`) or skip (`label` null, `skipped`).

    `instructions_revision` is that of the instructions the reviewer had; null where it is unknown,
    and in rows of releases that did not keep it: their leases have it. `project` is the task's,
    null in rows of the release before.
    """

    __tablename__ = "verdicts"
    __table_args__ = (
        sa.Index("verdicts_by_reviewer", "task_id", "reviewer"),
        sa.Index("verdicts_of_reviewer", "reviewer", "given_at"),
        partial_index(
            *("verdicts_by_time", "project", "given_at", "withdrawn_at", "label"),
            where="withdrawn_at IS NULL AND label IS NOT NULL",
        ),
    )

    verdict_id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    project: str | None = None
    task_id: str = Field(foreign_key="tasks.task_id")
    reviewer: str
    recorded_by: str
    token: str | None = None
    skipped: bool
    label: str | None = None
    comment: str | None = None
    active_seconds: float | None = None
    blind: bool
    instructions_revision: int | None = None
    given_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OutcomeRow(Base, table=True):
    """One revision of a task's outcome. `position` is its place in the feed, null until given.

    `mapped`: an edit of the project gave the label of the revision before another name.
    """

    __tablename__ = "outcomes"
    __table_args__ = (
        sa.UniqueConstraint("task_id", "revision"),
        sa.Index("outcomes_by_project", "project", "position"),
    )

    outcome_id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    position: int | None = Field(default=None, sa_type=sa.BigInteger, unique=True)
    project: str
    task_id: str = Field(foreign_key="tasks.task_id")
    revision: int
    lane: str
    label: str | None = None
    source: str
    verdicts: int
    blind: bool
    prediction: dict[str, Any] | None = Field(default=None, sa_type=Json)
    instructions_revision: int
    resolved_at: datetime = Field(sa_type=UtcDateTime)
    mapped: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})


# The epoch of a feed that was never restored.
FIRST_EPOCH = 1


class FeedEpochRow(Base, table=True):
    """One epoch of the outcomes feed: the positions after `after_position` were given in it.

    A new one begins with each restore of the database (ADR 4).
    """

    __tablename__ = "feed_epochs"

    epoch: int = Field(
        primary_key=True, sa_type=sa.BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    after_position: int = Field(sa_type=sa.BigInteger)
    began_at: datetime = Field(sa_type=UtcDateTime)


class ProjectChangeRow(Base, table=True):
    """A revision of a project that was put into the store; only ever added.

    `position` is its place in the feed of changes, null until given.
    """

    __tablename__ = "project_changes"

    change_id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    position: int | None = Field(default=None, sa_type=sa.BigInteger, unique=True)
    project: str = Field(foreign_key="projects.name", index=True)
    revision: int
    at: datetime = Field(sa_type=UtcDateTime)


class EventRow(Base, table=True):
    """One line of a task's timeline; only ever added."""

    __tablename__ = "task_events"
    __table_args__ = (sa.Index("task_events_by_task", "task_id", "event_id"),)

    event_id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    task_id: str = Field(foreign_key="tasks.task_id")
    kind: str
    actor: str | None = None
    at: datetime = Field(sa_type=UtcDateTime)
    detail: dict[str, Any] = Field(default={}, sa_type=Json)


class TombstoneRow(Base, table=True):
    """Records that an item was erased, when, by whom and why; none of its content.

    No content digest is kept: anyone holding the content could match it.
    `asked` is whether people had ever been asked about it.
    """

    __tablename__ = "tombstones"

    task_id: str = Field(primary_key=True, foreign_key="tasks.task_id")
    erased_at: datetime = Field(sa_type=UtcDateTime)
    erased_by: str
    reason: str | None = None
    asked: bool
    revision: int


class OutboxRow(OutboxColumns, Base, table=True):
    """A doorbell that is still to be rung."""

    __tablename__ = "outbox"


PROJECTS = table_of(ProjectRow)
TASKS = table_of(TaskRow)
LEASES = table_of(LeaseRow)
VERDICTS = table_of(VerdictRow)
OUTCOMES = table_of(OutcomeRow)
EPOCHS = table_of(FeedEpochRow)
CHANGES = table_of(ProjectChangeRow)
EVENTS = table_of(EventRow)
TOMBSTONES = table_of(TombstoneRow)
