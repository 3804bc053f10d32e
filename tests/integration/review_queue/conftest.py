"""A review queue over real HTTP, on each database, with a clock that tests turn."""

from collections.abc import AsyncIterator

import pytest

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness.clock import Clock
from tests.harness.databases import create_tables
from tests.harness.desk import Desk, open_desk


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def settings(database_url: str) -> ReviewQueueSettings:
    await create_tables("review_queue", database_url)
    return ReviewQueueSettings(database_url=database_url)


@pytest.fixture
async def desk(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> AsyncIterator[Desk]:
    async with open_desk(common, settings, keys, clock) as opened:
        yield opened
