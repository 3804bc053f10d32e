"""Runs of ONNX Runtime that end after a time, whatever their graph does.

ONNX Runtime looks at `terminate` between nodes, those of a loop's body included: a loop ends, a
single large kernel does not. Who calls from an event loop so waits in a thread, and no longer than
the deadline.
"""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import onnxruntime as ort

# How late a run may be ended. One thread looks at all runs: that costs a run next to nothing.
LOOK_SECONDS = 0.25


class RunTimedOut(Exception):  # noqa: N818 - says what became of the run
    """A run was ended at its deadline."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it took longer than {seconds:g} seconds")
        self.seconds = seconds


class _Run:
    """A run under way: its options, and the monotonic time at which it is to end."""

    __slots__ = ("options", "until")

    def __init__(self) -> None:
        self.options = ort.RunOptions()
        self.until = math.inf


_under_way: dict[int, _Run] = {}
_spare: list[_Run] = []
_watch: threading.Thread | None = None
_starting = threading.Lock()


def run_within(
    session: Any, seconds: float, outputs: Sequence[str], feeds: Mapping[str, Any]
) -> list[Any]:
    """Run `session`, and end the run after `seconds`, infinity for never.

    Raises
    ------
    RunTimedOut
        The run was ended.
    Exception
        Whatever ONNX Runtime raises.
    """
    if seconds == math.inf:
        found: list[Any] = session.run(outputs, feeds)
        return found
    if _watch is None:
        _start()
    # Options are made once and used again: to make them takes as long as a small graph's node.
    run = _spare.pop() if _spare else _Run()
    run.until = time.monotonic() + seconds
    _under_way[id(run)] = run
    try:
        found = session.run(outputs, feeds, run.options)
    except Exception as error:
        if run.options.terminate:
            raise RunTimedOut(seconds) from error
        raise
    finally:
        del _under_way[id(run)]
    if not run.options.terminate:
        _spare.append(run)
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
        for run in list(_under_way.values()):
            if now >= run.until:
                run.options.terminate = True
