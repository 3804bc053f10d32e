"""A router in front of the real review queue."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.model_publisher import Publisher
from tests.harness.people import People
from tests.integration.router.conftest import OpenRouter, ServedRouter


@pytest.fixture
async def served(
    open_router: OpenRouter, publisher: Publisher, people: People
) -> AsyncIterator[ServedRouter]:
    """A router with certified champion v1, whose review queue has people."""
    await publisher.publish("v1")
    async with open_router(people.url) as opened:
        yield opened
