"""What became of versions: each judgement of the gate, and each change of who serves."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, false, text
from sqlmodel import Field

from services.trainer.tables.base import SERIAL, Base
from shared.contracts.base import new_id
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

    id: int | None = Field(default=None, primary_key=True, sa_type=SERIAL)
    project: str
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str
    version: str
    champion: str | None = None
    actor: str | None = None
    note: str | None = None
    try_number: int | None = None
    document: dict[str, Any] | None = Field(default=None, sa_type=JSON)


class ShadowStage(Base, table=True):
    """A version that passed, and the champion, on the same live items (`gate.shadow`).

    `state` is running, passed, refused, undecided or ended. `alpha` is what the `number`-th stage
    against one champion may spend. `position` is the `id` of the last ledger row that was looked
    at, `items` how many were scored. `document` has the figures that it ended with, and why.
    """

    __tablename__ = "shadow_stages"
    __table_args__ = (Index("ix_shadow_stages", "project", "state"),)

    stage_id: str = Field(default_factory=new_id, primary_key=True)
    project: str
    version: str
    champion: str
    state: str = "running"
    number: int
    alpha: float
    margin: float
    threshold: float
    labels: int
    share: float
    position: int = Field(default=0, sa_type=BigInteger)
    items: int = 0
    began_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime)
    scored_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    document: dict[str, Any] | None = Field(default=None, sa_type=JSON)


class ShadowItem(Base, table=True):
    """One content that both versions of a stage scored, with their labels.

    People are asked about those with `differs`; the item stays in the ledger, at `place`.
    `posted`: the review queue knows its task, or it was `refused`, for the reason given there.
    `to_withdraw`: the stage ended without its verdict, and the review queue may still ask for it.
    """

    __tablename__ = "shadow_items"
    __table_args__ = (
        Index("ix_shadow_items_posted", "project", "posted"),
        Index("ix_shadow_items_item", "project", "item_id"),
        Index(
            "ix_shadow_items_to_withdraw",
            "project",
            "stage_id",
            sqlite_where=text("to_withdraw = 1"),
            postgresql_where=text("to_withdraw"),
        ),
    )

    stage_id: str = Field(primary_key=True)
    content_hash: str = Field(primary_key=True)
    project: str
    item_id: str
    place: int = Field(sa_type=BigInteger)
    champion_label: str
    label: str
    differs: bool
    posted: bool
    refused: str | None = None
    to_withdraw: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
