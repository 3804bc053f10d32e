"""Many rows for several tables in one statement: the rows go as one JSON parameter.

PostgreSQL runs all of it as one statement, SQLite one after the other, which costs it nothing.
Every part sees the tables as they were before, or must not care.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.repository.pipelining import Statement
from services.review_queue.repository.statements import is_postgresql
from shared.db import UtcDateTime

# Columns of the given rows by name, each with its type in PostgreSQL.
Columns = Mapping[str, str]
_MOMENTS = ("now", "expires_at")


@dataclass(frozen=True)
class Bulk:
    """The statements of one write, for each database."""

    postgresql: tuple[TextClause, ...]
    sqlite: tuple[TextClause, ...]

    def of(self, session: AsyncSession, **given: Any) -> list[Statement]:
        """Return them for what is given; a list is the rows of the source of its name."""
        parameters = {
            name: orjson.dumps(value).decode() if isinstance(value, list) else value
            for name, value in given.items()
        }
        clauses = self.postgresql if is_postgresql(session) else self.sqlite
        return [Statement(clause, parameters) for clause in clauses]


def bulk(sources: Mapping[str, Columns], *parts: str) -> Bulk:
    """Return the write of `parts`, SQL that reads from the `sources` by their names."""
    with_rows = [f"{name} AS ({_recordset(name, columns)})" for name, columns in sources.items()]
    named = [f"part_{number} AS ({part})" for number, part in enumerate(parts[:-1])]
    whole = f"WITH {', '.join([*with_rows, *named])} {parts[-1]}"
    single = [
        f"WITH {', '.join(_elements(name, sources[name]) for name in _used(sources, part))} {part}"
        for part in parts
    ]
    return Bulk((_bound(whole),), tuple(map(_bound, single)))


def _used(sources: Mapping[str, Columns], part: str) -> Sequence[str]:
    return [name for name in sources if f"FROM {name}" in part]


def _recordset(name: str, columns: Columns) -> str:
    typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    # Names are the module's own; what callers send goes as a parameter, here and below.
    return f"SELECT * FROM json_to_recordset(CAST(:{name} AS json)) AS rows({typed})"  # noqa: S608


def _elements(name: str, columns: Columns) -> str:
    taken = ", ".join(f"value ->> '$.{column}' AS {column}" for column in columns)
    return f"{name} AS (SELECT {taken} FROM json_each(:{name}))"  # noqa: S608


def _bound(sql: str) -> TextClause:
    moments = [bindparam(name, type_=UtcDateTime()) for name in _MOMENTS if f":{name}" in sql]
    return text(sql).bindparams(*moments)
