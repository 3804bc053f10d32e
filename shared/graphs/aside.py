"""A thread of one graph's own, for runs whose time the caller bounds.

The default executor's threads are shared: a graph that hangs in one of them keeps it from all
others.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from shared.graphs.deadline import RunTimedOut

# A run is ended between two nodes: one that goes on for so much longer is in a kernel that cannot
# be ended, and is not waited for.
OVERDUE_SECONDS = 1.0

Args = ParamSpec("Args")
Result = TypeVar("Result")


class StillRunning(RunTimedOut):
    """A run before this one is overdue and has not ended: this one did not begin."""


class Aside:
    """Runs of one graph, one at a time, in a thread of their own; for one event loop.

    Parameters
    ----------
    seconds
        After which a run raises RunTimedOut, or should have.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # Its thread starts with the first run.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._turn = asyncio.Lock()
        self._running: asyncio.Future[Any] | None = None
        self._until = 0.0

    async def run(
        self, function: Callable[Args, Result], *args: Args.args, **kwargs: Args.kwargs
    ) -> Result:
        """Return what `function` returns: one run of the graph.

        A caller that is cancelled leaves its run to end by itself; the next one waits for that.

        Raises
        ------
        RunTimedOut
            The run was ended, or is overdue.
        StillRunning
            An earlier one is overdue.
        Exception
            Whatever `function` raises.
        """
        loop = asyncio.get_running_loop()
        async with self._turn:
            if self._running is not None and not await self._ends(self._running):
                raise StillRunning(self._seconds)
            self._until = loop.time() + self._seconds + OVERDUE_SECONDS
            running = loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))
            running.add_done_callback(_look_at)
            self._running = running
            if not await self._ends(running):
                raise RunTimedOut(self._seconds)
            self._running = None
            return running.result()

    async def _ends(self, running: asyncio.Future[Any]) -> bool:
        left = max(0.0, self._until - asyncio.get_running_loop().time())
        ended, _ = await asyncio.wait([running], timeout=left)
        return bool(ended)


def _look_at(ended: asyncio.Future[Any]) -> None:
    """Retrieve the error of a run that its caller has left: else asyncio logs it as lost."""
    if not ended.cancelled():
        ended.exception()
