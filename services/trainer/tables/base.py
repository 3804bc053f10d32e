"""What all tables of the trainer share."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, takewhile
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    MetaData,
    Table,
    and_,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, col

from shared.db import Session

SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""The type of keys that the database counts up."""
_PAGE_CHARACTERS = 8 * 1024 * 1024


class Base(SQLModel):
    """Tables of this service alone: another service in the same process has its own metadata."""

    metadata = MetaData()


def batches_of(item_ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield the distinct ids, as many at a time as a statement may list."""
    wanted = sorted(set(item_ids))
    for start in range(0, len(wanted), 500):
        yield wanted[start : start + 500]


async def find_items(
    session: Session, statement: Any, table: Any, project: str, item_ids: Iterable[str]
) -> list[Any]:
    """Execute a statement on `table` for these items, batch by batch; return all of its rows."""
    found: list[Any] = []
    for batch in batches_of(item_ids):
        of_batch = (table.project == project, table.item_id.in_(batch))
        found += (await session.execute(statement.where(*of_batch))).all()
    return found


def same_item(one: Any, other: Any) -> ColumnElement[bool]:
    """Say in SQL that rows of two tables are about the same item of a project."""
    return and_(col(one.project) == col(other.project), col(one.item_id) == col(other.item_id))


async def update_items(
    session: Session, table: Any, project: str, item_ids: Iterable[str], **values: Any
) -> None:
    """Set columns of these items' rows of `table`, batch by batch."""
    for batch in batches_of(item_ids):
        of_batch = (table.project == project, table.item_id.in_(batch))
        await session.execute(update(table).where(*of_batch).values(**values))


Row = TypeVar("Row", bound=Base)


async def rows_of(
    session: Session,
    table: type[Row],
    *wanted: ColumnElement[bool],
    order: Sequence[Any] = (),
    limit: int | None = None,
    offset: int | None = None,
) -> Sequence[Row]:
    """Return the `wanted` rows of `table` in an order: all, or up to `limit` from `offset` on."""
    query = select(table).where(*wanted).order_by(*order).limit(limit).offset(offset)
    return (await session.execute(query)).scalars().all()


async def count_rows(session: Session, *wanted: ColumnElement[bool]) -> int:
    """Count the `wanted` rows of the table that they name."""
    return int((await session.execute(select(func.count()).where(*wanted))).scalar_one())


async def page_before(
    session: Session,
    table: Any,
    project: str,
    key: Any,
    before: Any,
    limit: int | None,
    *wanted: Any,
) -> Sequence[Any]:
    """Return the `wanted` rows of a project with a `key` below `before`, if any, highest first."""
    wanted += (table.project == project, *(() if before is None else (key < before,)))
    return await rows_of(session, table, *wanted, order=[key.desc()], limit=limit)


def fitting(sizes: Sequence[int]) -> int:
    """Return how many of the next rows to read at once, given the characters of their JSON.

    So many have at most 8 MiB characters together; one row is read, however large.
    """
    if not sizes:
        return 0
    fit = takewhile(lambda size: size <= _PAGE_CHARACTERS, accumulate(sizes))
    return max(1, sum(1 for _ in fit))


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
