"""A review queue over real HTTP, on each database, with a clock that tests turn.

Tests share one queue for each database, and each has a project in it. A test marked `own_desk` has
a queue, with its database and its clock, to itself.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness.clock import Clock
from tests.harness.databases import create_tables, postgres_database
from tests.harness.desk import Desk, open_desk
from tests.harness.shared_queue import SharedQueue, serve_shared_queue


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def settings(database_url: str) -> ReviewQueueSettings:
    await create_tables("review_queue", database_url)
    return ReviewQueueSettings(database_url=database_url)


@pytest.fixture
async def own_desk(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> AsyncIterator[Desk]:
    async with open_desk(common, settings, keys, clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def sqlite_queue(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[SharedQueue]:
    home = tmp_path_factory.mktemp("shared-queue")
    with serve_shared_queue(home, redis_url, f"sqlite+aiosqlite:///{home / 'test.db'}") as queue:
        yield queue


@pytest.fixture(scope="session")
def postgresql_queue(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, postgres: str
) -> Iterator[SharedQueue]:
    home = tmp_path_factory.mktemp("shared-queue")
    with (
        postgres_database(postgres) as database_url,
        serve_shared_queue(home, redis_url, database_url) as queue,
    ):
        yield queue


@pytest.fixture
def shared_queue(request: pytest.FixtureRequest, database_kind: str) -> SharedQueue:
    queue: SharedQueue = request.getfixturevalue(f"{database_kind}_queue")
    return queue


@pytest.fixture
async def shared_desk(shared_queue: SharedQueue) -> AsyncIterator[Desk]:
    async with shared_queue.desk() as opened:
        yield opened


# `database_kind` stands here for pytest, which sees no fixture that is asked for by its name.
@pytest.fixture
def desk(request: pytest.FixtureRequest, database_kind: str) -> Desk:
    is_own = request.node.get_closest_marker("own_desk") is not None
    if not is_own and {"clock", "common", "database_url", "settings"} & set(request.fixturenames):
        pytest.fail("mark the test `own_desk`: what it asks for is not the shared queue's")
    opened: Desk = request.getfixturevalue("own_desk" if is_own else "shared_desk")
    return opened
