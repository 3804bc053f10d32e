"""Back up and restore a database as an operator does: SQLite's own copy, pg_dump and pg_restore."""

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.harness.servers import postgres_program


async def back_up(url: str, to: Path) -> None:
    """Copy the database at `url`, which may be in use, to the file `to`."""
    await asyncio.to_thread(_back_up, url, to)


async def restore(url: str, backup: Path) -> None:
    """Put the copy in the place of the database at `url`, which nothing may be using."""
    await asyncio.to_thread(_restore, url, backup)


def _sqlite_file(url: str) -> Path | None:
    parts = make_url(url)
    return Path(str(parts.database)) if parts.get_backend_name() == "sqlite" else None


def _back_up(url: str, to: Path) -> None:
    file = _sqlite_file(url)
    if file is None:
        _run("pg_dump", "--format=custom", f"--file={to}", url.replace("+psycopg", ""))
        return
    with (
        contextlib.closing(sqlite3.connect(file)) as source,
        contextlib.closing(sqlite3.connect(to)) as target,
    ):
        source.backup(target)


def _restore(url: str, backup: Path) -> None:
    file = _sqlite_file(url)
    if file is None:
        address = url.replace("+psycopg", "")
        _run("pg_restore", "--clean", "--if-exists", f"--dbname={address}", str(backup))
        return
    for leftover in ("-wal", "-shm"):
        file.with_name(file.name + leftover).unlink(missing_ok=True)
    shutil.copyfile(backup, file)


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [postgres_program(program), *arguments], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise AssertionError(f"{program} failed: {done.stderr}")
