"""A served review queue that many tests share, each with a project of its own."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness.clock import Clock
from tests.harness.databases import create_tables
from tests.harness.desk import Desk, at_desk, serve_queue
from tests.harness.settings import common_settings
from tests.harness.side_loop import SideLoop, entered_aside

# Years before the present, however many days tests take: sessions end by this clock with their
# tokens, which expire by the real one.
_START = datetime(2016, 1, 1, 6, tzinfo=UTC)
# Its loops look at all projects of all tests, and most tests wait for none of them.
_POLL_SECONDS = 1.0


@dataclass
class SharedQueue:
    """A review queue that runs while a test is at one of its desks; its clock never goes back."""

    loop: SideLoop
    base_url: str
    keys: Keys
    clock: Clock
    database_url: str
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextlib.asynccontextmanager
    async def desk(self) -> AsyncIterator[Desk]:
        """Give a desk with the name of a new project, at six o'clock of a new day."""
        self.clock.advance_to_next_morning()
        project = f"shop-{next(self._numbers)}"
        with self.loop.running():
            parts = (self.base_url, self.keys, self.clock, self.database_url, project)
            async with at_desk(*parts) as desk:
                yield desk


@contextlib.contextmanager
def serve_shared_queue(home: Path, redis_url: str, database_url: str) -> Iterator[SharedQueue]:
    """Serve a review queue on an empty database, beside the event loops of tests."""
    clock, keys = Clock(_START), Keys(home / "keys")
    keys.ensure()
    common = common_settings(home, keys, redis_url)
    common = common.model_copy(update={"poll_seconds": _POLL_SECONDS})
    with entered_aside(_served(common, database_url, clock)) as (loop, base_url):
        yield SharedQueue(loop, base_url, keys, clock, database_url)


@contextlib.asynccontextmanager
async def _served(common: CommonSettings, database_url: str, clock: Clock) -> AsyncIterator[str]:
    await create_tables("review_queue", database_url)
    settings = ReviewQueueSettings(database_url=database_url)
    async with serve_queue(common, settings, clock) as base_url:
        yield base_url
