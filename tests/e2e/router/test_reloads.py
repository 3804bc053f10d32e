"""A router in a process of its own reloads again and again, and does not grow."""

import pytest

from bench.reloads import make_model, measure

pytestmark = pytest.mark.thorough

RELOADS = 20
# It would grow by more than 60 MB with what freed graphs leave behind.
GROWTH_MB = 35


async def test_memory_is_flat_over_many_reloads() -> None:
    resident = await measure(RELOADS, make_model())
    # The last few: between a reload and the release of the version before, there is more.
    assert min(resident[-5:]) - resident[0] < GROWTH_MB, resident
