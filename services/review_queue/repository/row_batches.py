"""Many rows for several tables in one go.

PostgreSQL runs all of it as one statement, whose rows are one JSON parameter a table. SQLite, which
needs no round trip, runs a statement a table for each row: reading them from JSON costs it more.
Every part sees the tables as they were before, or must not care.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from services.review_queue.repository.pipelining import Statement
from services.review_queue.repository.statements import is_postgresql
from services.review_queue.tables import table_of
from shared.db import Session

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_GIVEN = re.compile(r"\bgiven\.(\w+)")
# What SQLite's driver takes as it is.
_PLAIN = frozenset({str, int, float, bool, type(None)})
_MOMENT = len("2026-01-31 12:00:00.000000")


@dataclass(frozen=True)
class Part:
    """What is written to one table: its `columns` from the rows, and SQL for others (`computed`).

    With a `key` rows are updated by it, otherwise they are inserted. SQL calls the rows `given`.
    """

    model: type[SQLModel]
    columns: tuple[str, ...]
    key: str | None = None
    computed: tuple[tuple[str, str], ...] = ()

    @cached_property
    def table(self) -> str:
        """The table's name."""
        return str(self.model.__tablename__)

    # Names below are the tables' own; what callers send goes as a parameter.
    @cached_property
    def sql(self) -> str:
        """The statement, which reads the rows from `given`."""
        values = {name: f"given.{name}" for name in self.columns} | dict(self.computed)
        if self.key is None:
            names, taken = ", ".join(values), ", ".join(values.values())
            return f"INSERT INTO {self.table} ({names}) SELECT {taken} FROM given"  # noqa: S608
        changes = ", ".join(f"{name} = {value}" for name, value in values.items())
        same = f"{self.table}.{self.key} = given.{self.key}"
        return f"UPDATE {self.table} SET {changes} FROM given WHERE {same}"  # noqa: S608

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns of the rows."""
        return self.columns if self.key is None else (self.key, *self.columns)

    @cached_property
    def on_sqlite(self) -> str:
        """The statement of this part alone, for one row; its parameters are `taken`."""
        return _GIVEN.sub("?", self._of_one)

    @cached_property
    def taken(self) -> tuple[str, ...]:
        """The columns of a row, in the order in which `on_sqlite` takes them."""
        return tuple(_GIVEN.findall(self._of_one))

    @cached_property
    def _of_one(self) -> str:
        return self.sql.replace(" FROM given", "")

    @cached_property
    def on_postgresql(self) -> str:
        """The part as a common table expression of a larger statement."""
        types = table_of(self.model).c
        typed = ", ".join(f"{name} {types[name].type.compile(_DIALECT)}" for name in self.names)
        rows = f"json_to_recordset(CAST(:{self.table} AS json)) AS given({typed})"
        return self.sql.replace("FROM given", f"FROM {rows}")


class RowBatch:
    """A write to several tables, each at most once; only those that have rows are written."""

    def __init__(self, *parts: Part) -> None:
        self._parts = {part.table: part for part in parts}
        self._whole: dict[tuple[str, ...], TextClause] = {}

    def of(self, session: Session, **rows: Sequence[dict[str, Any]]) -> list[Statement]:
        """Return the statements that write `rows`, by the names of their tables."""
        tables = tuple(name for name in self._parts if rows.get(name))
        if not tables:
            return []
        if not is_postgresql(session):
            parts = [self._parts[name] for name in tables]
            return [
                Statement(
                    one.on_sqlite, {}, [_sqlite_row(one.taken, row) for row in rows[one.table]]
                )
                for one in parts
            ]
        given = {name: orjson.dumps(rows[name]).decode() for name in tables}
        return [Statement(self._statement(tables), given)]

    def _statement(self, tables: tuple[str, ...]) -> TextClause:
        known = self._whole.get(tables)
        if known is None:
            *first, last = (self._parts[name].on_postgresql for name in tables)
            named = ", ".join(f"part_{number} AS ({sql})" for number, sql in enumerate(first))
            known = text(f"WITH {named} {last}" if named else last)
            self._whole[tables] = known
        return known


def _sqlite_row(names: Sequence[str], row: dict[str, Any]) -> tuple[Any, ...]:
    values = map(row.get, names)
    return tuple([one if type(one) in _PLAIN else _sqlite_value(one) for one in values])


def _sqlite_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return _sqlite_moment(value)
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value


# Most rows of a batch have the moment of the batch.
@lru_cache(maxsize=256)
def _sqlite_moment(moment: datetime) -> str:
    # As SQLAlchemy writes it: in UTC, without the zone.
    return moment.astimezone(UTC).isoformat(" ", "microseconds")[:_MOMENT]
