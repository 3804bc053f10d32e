"""Children that give signs of life are killed and started again once those fail, and no others."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.supervisor import Child, Supervisor
from tests.harness import wait_until

pytestmark = pytest.mark.thorough

# It beats, and blocks its event loop once a file says so.
BEATS = """
import asyncio, pathlib, sys, time
from services.supervisor import beat

async def main():
    beat(int(sys.argv[3]))
    while not pathlib.Path(sys.argv[1]).exists():
        await asyncio.sleep(0.05)
    time.sleep(600)

asyncio.run(main())
"""
SLEEPS = "import time; time.sleep(600)"


@contextlib.asynccontextmanager
async def supervising() -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(hang_seconds=10, stop_seconds=1)
    try:
        yield supervisor
    finally:
        await supervisor.stop()


async def started(supervisor: Supervisor, code: str, *arguments: str) -> Child:
    command = [sys.executable, "-c", code, *arguments]
    return await supervisor.start("child", command, os.environ, beats=True)


async def test_a_child_that_blocks_its_event_loop_is_started_again_and_no_other(
    tmp_path: Path,
) -> None:
    blocked = tmp_path / "blocked"
    async with supervising() as supervisor:
        # One that has given no sign of life yet may still be starting.
        silent = await started(supervisor, SLEEPS)
        well = await started(supervisor, BEATS, str(tmp_path / "never"))
        child = await started(supervisor, BEATS, str(blocked))
        await wait_until(lambda: child.silent is not None and well.silent is not None)
        blocked.touch()
        await wait_until(lambda: child.restarts == 1)
        blocked.unlink()
        await wait_until(lambda: child.silent is not None)
        assert [one.restarts for one in (silent, well, child)] == [0, 0, 1]


async def test_a_stop_closes_what_children_are_heard_through() -> None:
    async with supervising() as supervisor:
        child = await started(supervisor, SLEEPS)
        assert child.pipe is not None
        reading, _ = child.pipe
        await supervisor.stop()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(reading)
