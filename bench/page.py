"""The page that benchmarks write their sections into, each between markers of its own."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from bench.serving.processes import ROOT

PAGE = ROOT / "docs" / "explanation" / "benchmarks.md"

Result = TypeVar("Result")


def put_between(page: str, name: str, text: str) -> str:
    """Replace what `page` has between the markers of `name`.

    Raises
    ------
    ValueError
        The page lacks a marker.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no markers {begin} and {end}")
    return f"{before}{begin}\n{text.strip()}\n{end}{after}"


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work`; SIGTERM ends it as Ctrl-C does, and its servers with it."""

    async def until_stopped() -> Result:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(until_stopped())
    except asyncio.CancelledError:
        raise SystemExit("stopped before the end: nothing was written") from None
