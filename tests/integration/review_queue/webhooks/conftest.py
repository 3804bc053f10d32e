"""A receiver, and a review queue that may send to it, under a clock that starts at the present."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.review_queue.settings import ReviewQueueSettings
from shared.settings import CommonSettings
from tests.harness.clock import Clock
from tests.integration.review_queue.webhooks.receiver import (
    QueueParts,
    Receiver,
    open_queue_parts,
    receiving,
    with_webhooks,
)


@pytest.fixture
def clock() -> Clock:
    """The present: an independent verifier looks at its own clock."""
    clock = Clock()
    clock.moment = datetime.now(UTC).replace(microsecond=0)
    return clock


@pytest.fixture
async def settings(settings: ReviewQueueSettings, home: Path) -> ReviewQueueSettings:
    return with_webhooks(settings, home)


@pytest.fixture
async def queue(
    common: CommonSettings, settings: ReviewQueueSettings, clock: Clock
) -> AsyncIterator[QueueParts]:
    async with open_queue_parts(common, settings, clock) as opened:
        yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running
