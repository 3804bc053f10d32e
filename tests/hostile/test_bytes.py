"""What is no good HTTP is refused, alike by all services, and never taken for another request."""

import asyncio

import pytest

from tests.hostile.cases import CASES, READ, Case
from tests.hostile.conftest import Target
from tests.hostile.streams import ENDLESS, MIB, stream
from tests.hostile.wire import PROBE, answers, exchange

pytestmark = pytest.mark.thorough

_AT_ONCE = 20
# Trailers that are kept as headers take 430 MiB for what is sent here, requests that wait 240.
_GROWTH = 32 * MIB


# In one test, so that each service is started once.
async def test_hostile_bytes_get_their_answer_and_no_memory(service: Target) -> None:
    assert await wrong_answers(service) == {}
    grown: dict[str, int] = {}
    for name, (begin, more) in ENDLESS.items():
        before = service.most_memory()
        await stream(service.port, begin, more)
        if (growth := service.most_memory() - before) > _GROWTH:
            grown[name] = growth
    assert grown == {}


async def wrong_answers(service: Target) -> dict[str, list[str]]:
    """Send each case, and a good request behind it; return the answers that are not as expected."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def told(case: Case) -> list[str]:
        sent = case.sent.replace(READ, service.read) + (PROBE if case.whole else b"")
        async with free:
            return answers(await exchange(service.port, sent))

    said = await asyncio.gather(*map(told, CASES.values()))
    return {
        name: answered
        for (name, case), answered in zip(CASES.items(), said, strict=True)
        if answered != [*case.answers, *(["probe"] if case.goes_on else [])]
    }
