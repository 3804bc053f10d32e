"""What all tables of the trainer share."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import MetaData, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from shared.db import Session


class Base(SQLModel):
    """Tables of this service alone: another service in the same process has its own metadata."""

    metadata = MetaData()


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
