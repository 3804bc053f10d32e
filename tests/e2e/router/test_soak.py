"""The short form of the soak: half of the router's capacity for a minute, with swaps."""

import pytest

from bench.serving.soak import soak
from bench.serving.workbench import workbench

pytestmark = [pytest.mark.thorough, pytest.mark.alone]

SECONDS = 60.0
# What one version in memory takes beside another while they are swapped, and no more.
GROWTH_MIB = 35.0


@pytest.mark.timeout(300)
async def test_a_minute_at_half_capacity_has_no_error_and_flat_memory() -> None:
    with workbench(3.0) as bench:
        done = await soak(bench, SECONDS)
    assert [stretch.measured.errors for stretch in done.stretches] == [0] * len(done.stretches)
    assert sum(stretch.measured.answered for stretch in done.stretches) > done.rate * SECONDS / 3
    assert done.stretches[-1].swaps >= 4
    resident = [stretch.rss_mib for stretch in done.stretches]
    assert min(resident[-3:]) - min(resident[:3]) < GROWTH_MIB, resident
