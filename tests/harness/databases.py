"""Databases that have a service's tables already: copies of one that was migrated once."""

import atexit
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from shared.db import Database
from tests.harness.processes import ROOT


async def create_tables(service: str, url: str) -> None:
    """Give the empty database at `url` the tables of `service`, as its migrations make them.

    The first call of a process migrates a template, each further one copies it.
    """
    migrations = ROOT / "services" / service / "migrations"
    target = make_url(url)
    if target.get_backend_name() == "sqlite":
        await _copy_sqlite_template(Path(str(target.database)), migrations)
    else:
        await _copy_postgres_template(target, migrations)


@contextlib.contextmanager
def postgres_database(server: str) -> Iterator[str]:
    """Give the URL of an empty database on the server whose maintenance database is `server`."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield server.rsplit("/", 1)[0] + f"/{name}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def _copy_sqlite_template(file: Path, migrations: Path) -> None:
    template = _template_folder() / f"{migrations.parent.name}.db"
    if not template.exists():
        await _migrate(f"sqlite+aiosqlite:///{template}", migrations)
    shutil.copyfile(template, file)


async def _copy_postgres_template(target: URL, migrations: Path) -> None:
    template = f"template_{migrations.parent.name}"
    maintenance = target.set(drivername="postgresql", database="postgres")
    with psycopg.connect(maintenance.render_as_string(False), autocommit=True) as connection:
        known = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(known, [template]).fetchone() is None:
            connection.execute(f'CREATE DATABASE "{template}"')
            await _migrate(target.set(database=template).render_as_string(False), migrations)
        connection.execute(f'DROP DATABASE "{target.database}"')
        connection.execute(f'CREATE DATABASE "{target.database}" TEMPLATE "{template}"')


async def _migrate(url: str, migrations: Path) -> None:
    database = Database(url)
    await database.migrate(migrations)
    await database.dispose()


@cache
def _template_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="surehand-templates-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
