"""What became of versions: each judgement of the gate, and each change of who serves."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer
from sqlmodel import Field

from services.trainer.tables.base import Base
from shared.db import UtcDateTime


class PromotionEvent(Base, table=True):
    """One line of the history of promotions; lines are kept for good.

    `kind` is `gate.messages.EventKind`; `champion` is the version that served before it. `actor` is
    the operator who asked for it, None where the trainer did it by itself. `document` has the
    gate's decision where the line is one. `try_number` counts the versions whose accuracy was
    tested against `champion`: a line without one is no try.
    """

    __tablename__ = "promotion_events"
    __table_args__ = (Index("ix_promotion_events", "project", "id"),)

    id: int | None = Field(
        default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite")
    )
    project: str
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str
    version: str
    champion: str | None = None
    actor: str | None = None
    note: str | None = None
    try_number: int | None = None
    document: dict[str, Any] | None = Field(default=None, sa_type=JSON)
