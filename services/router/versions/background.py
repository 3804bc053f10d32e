"""Work on versions in threads that leave the processor to calls.

Only where there is one processor: with more of them a load finds another than the event loop's,
and the threads that a session starts would inherit the priority for good.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from shared.memory import trim

Result = TypeVar("Result")

# A tenth of what a thread of calls gets while both want the same processor. Otherwise a load takes
# half of it, and calls take twice as long meanwhile.
_NICENESS = 10
# A graph that never comes to an end keeps a thread for good.
_THREADS = 4


def _step_back() -> None:
    # Linux alone has a priority for each thread: elsewhere it would be the whole process's.
    if sys.platform == "linux":
        thread = threading.get_native_id()
        # A router that was started at a lower priority still may not raise it.
        niceness = max(_NICENESS, os.getpriority(os.PRIO_PROCESS, thread))
        os.setpriority(os.PRIO_PROCESS, thread, niceness)


_POOL = ThreadPoolExecutor(_THREADS, thread_name_prefix="versions", initializer=_step_back)


async def in_background(processors: int, function: Callable[[], Result]) -> Result:
    """Run `function` in a thread, on one processor of low priority; return what it does."""
    pool = _POOL if processors == 1 else None
    return await asyncio.get_running_loop().run_in_executor(pool, function)


def release(retired: list[Any]) -> None:
    """Let go of versions, and of the memory that they took: some milliseconds in a thread.

    glibc keeps what is freed: without a trim a router grows by half in its first dozens of reloads.
    """
    retired.clear()
    trim()
