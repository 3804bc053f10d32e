"""All that a database holds, as text."""

import json

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine


def _all(connection: Connection) -> dict[str, str]:
    tables = inspect(connection).get_table_names()
    return {
        table: json.dumps(
            [list(row) for row in connection.execute(text(f'SELECT * FROM "{table}"')).all()],
            default=str,
        )
        for table in tables
    }


async def rows_of(database_url: str) -> dict[str, str]:
    """Return each table's rows as text, by the table's name."""
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        found = await connection.run_sync(_all)
    await engine.dispose()
    return found


async def tables_with(database_url: str, *words: str) -> set[str]:
    """Return the tables in which any of `words` stands."""
    rows = await rows_of(database_url)
    return {table for table, content in rows.items() if any(word in content for word in words)}
