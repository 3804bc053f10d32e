"""The table of tombstones."""

from datetime import datetime

from sqlmodel import Field

from services.review_queue.tables import Base
from shared.db import UtcDateTime


class TombstoneRow(Base, table=True):
    """Says that an item was erased, when, by whom and why; nothing of what it was.

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
