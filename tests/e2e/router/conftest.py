"""Fixtures of the tests that run the router as a process."""

from pathlib import Path

import pytest

from shared.auth import Keys
from tests.e2e.router.installation import Installation
from tests.harness.databases import create_tables


@pytest.fixture
async def installation(home: Path, keys: Keys) -> Installation:
    """A migrated home in which nothing runs yet."""
    file = (home / "review_queue.db").resolve()
    await create_tables("review_queue", f"sqlite+aiosqlite:///{file}")
    return Installation(home, keys)
