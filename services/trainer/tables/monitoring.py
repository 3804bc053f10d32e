"""The watch of drift, and relabel plans."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index
from sqlmodel import Field

from services.trainer.tables.base import Base
from shared.contracts.base import new_id
from shared.db import UtcDateTime


class DriftWatch(Base, table=True):
    """How far one version's decisions were watched for drift, and what they came to.

    `position` is the `id` of the last ledger row that was taken in. The watch begins anew with a
    certificate (`certified_at`; null for none). The other columns are the state of
    `monitoring.drift.watching.Watched`: arrays of float64 or int64 as bytes, by rows; numbers of
    items alone, and nothing that names one. `alarm` is null, or has `place`, `began` and `stream`,
    and when `began` was received (`began_at`; not where the release before wrote it).
    """

    __tablename__ = "drift_watches"

    project: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    certified_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    position: int = Field(default=0, sa_type=BigInteger)
    streams: list[str] = Field(sa_type=JSON)
    items: int = 0
    first: bytes = b""
    counts: list[list[int]] = Field(default_factory=list, sa_type=JSON)
    statistics: bytes = b""
    products: bytes = b""
    starts: bytes = b""
    moments: bytes = b""
    recent: bytes = b""
    recent_places: bytes = b""
    open_sums: bytes = b""
    blocks: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    block_size: int = 0
    alarm: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    alarmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    is_severe: bool = False
    updated_at: datetime = Field(sa_type=UtcDateTime)


class RelabelPlan(Base, table=True):
    """A plan of what to label: `state` is planned or started; `document` says why.

    `document` has the members of `relabel.messages.PlanView` that do not change.
    """

    __tablename__ = "relabel_plans"
    __table_args__ = (Index("ix_relabel_plans", "project", "created_at"),)

    plan_id: str = Field(default_factory=new_id, primary_key=True)
    project: str
    version: str
    state: str = "planned"
    document: dict[str, Any] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RelabelItem(Base, table=True):
    """An item of a plan; its content stays in the ledger, at `place`.

    `propensity` is the chance with which it was taken. `posted`: the review queue knows its task,
    or it was `refused`, for the reason that stands there.
    """

    __tablename__ = "relabel_items"
    __table_args__ = (Index("ix_relabel_items_posted", "project", "posted"),)

    plan_id: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True)
    project: str
    place: int = Field(sa_type=BigInteger)
    position: int
    tranche: str
    propensity: float
    posted: bool = False
    refused: str | None = None
