"""Fixtures of the tests that run the router as a process."""

from pathlib import Path

import pytest

from services.review_queue.app import MIGRATIONS
from shared.auth import Keys
from shared.db import Database
from tests.e2e.router.installation import Installation


@pytest.fixture
async def installation(home: Path, keys: Keys) -> Installation:
    """A migrated home in which nothing runs yet."""
    database = Database(f"sqlite+aiosqlite:///{(home / 'review_queue.db').resolve()}")
    await database.migrate(MIGRATIONS)
    await database.dispose()
    return Installation(home, keys)
