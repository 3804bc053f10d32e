"""Runs of ONNX Runtime that end after a time, whatever their graph does.

ONNX Runtime looks at `terminate` between nodes, those of a loop's body included: a loop ends, a
single large kernel does not. Who calls from an event loop so waits in a thread of the graph's own
(`Aside`), and not much longer than the deadline.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, TypeVarTuple

import onnxruntime as ort

# How late a run may be ended. One thread looks at all runs: that costs a run next to nothing.
LOOK_SECONDS = 0.25
# A run is ended between two nodes: one that goes on for so much longer is in a kernel that cannot
# be ended, and is not waited for.
OVERDUE_SECONDS = 1.0

Args = TypeVarTuple("Args")
Result = TypeVar("Result")


class RunTimedOut(Exception):  # noqa: N818 - says what became of the run
    """A run was ended at its deadline."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it took longer than {seconds:g} seconds")
        self.seconds = seconds


# The options of each run under way, and the monotonic time at which it is to end.
_under_way: dict[int, tuple[ort.RunOptions, float]] = {}
_spare: list[ort.RunOptions] = []
_watch: threading.Thread | None = None
_starting = threading.Lock()


def run_within(
    session: Any, seconds: float, outputs: Sequence[str], feeds: Mapping[str, Any]
) -> list[Any]:
    """Run `session`, and end the run after `seconds`, infinity for never.

    Raises `RunTimedOut`: the run was ended; `Exception`: whatever ONNX Runtime raises.
    """
    if seconds == math.inf:
        found: list[Any] = session.run(outputs, feeds)
        return found
    if _watch is None:
        _start()
    # Options are made once and used again: to make them takes as long as a small graph's node.
    options = _spare.pop() if _spare else ort.RunOptions()
    _under_way[id(options)] = options, time.monotonic() + seconds
    try:
        found = session.run(outputs, feeds, options)
    except Exception as error:
        if options.terminate:
            raise RunTimedOut(seconds) from error
        raise
    finally:
        del _under_way[id(options)]
    if not options.terminate:
        _spare.append(options)
    return found


def _start() -> None:
    global _watch  # noqa: PLW0603 - one thread a process, started by its first run
    with _starting:
        if _watch is None:
            _watch = threading.Thread(target=_look, name="deadlines", daemon=True)
            _watch.start()


def _look() -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        now = time.monotonic()
        # A copy: runs begin and end meanwhile.
        for options, until in list(_under_way.values()):
            if now >= until:
                options.terminate = True


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

    async def run(self, function: Callable[[*Args], Result], *args: *Args) -> Result:
        """Return what `function` returns: one run of the graph.

        A caller that is cancelled leaves its run to end by itself; the next one waits for that.

        Raises `RunTimedOut`: the run was ended, or is overdue; `StillRunning`: an earlier one is
        overdue; `Exception`: whatever `function` raises.
        """
        loop = asyncio.get_running_loop()
        async with self._turn:
            if self._running is not None and not await self._ends(self._running):
                raise StillRunning(self._seconds)
            self._until = loop.time() + self._seconds + OVERDUE_SECONDS
            running = loop.run_in_executor(self._thread, function, *args)
            # Of a run that its caller has left, asyncio would log the error as lost.
            running.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            self._running = running
            if not await self._ends(running):
                raise RunTimedOut(self._seconds)
            self._running = None
            return running.result()

    async def _ends(self, running: asyncio.Future[Any]) -> bool:
        left = max(0.0, self._until - asyncio.get_running_loop().time())
        ended, _ = await asyncio.wait([running], timeout=left)
        return bool(ended)
