"""A crowd on each database, with a seeded chance."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.clock import Clock
from tests.integration.review_queue.gold.crowd import Crowd, gather


@pytest.fixture
async def crowd(database_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Crowd]:
    gathered = await gather(database_url, tmp_path, clock, random.Random(20261124))
    yield gathered
    await gathered.database.dispose()
