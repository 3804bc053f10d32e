"""An event loop beside the loops of tests: what it serves outlives each of them."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

Value = TypeVar("Value")


class SideLoop:
    """An event loop that runs in a thread of its own, inside `running` only.

    In between it stands still: servers in it poll nothing then, and take no processor time. It is
    always the same thread, as SQLAlchemy's greenlets cannot go on in another.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="side-loop")

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the loop while the block lasts."""
        stopped = self._thread.submit(self._loop.run_forever)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            stopped.result()

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Run `coroutine` in the loop to its end."""
        return self._thread.submit(self._loop.run_until_complete, coroutine).result()

    def close(self) -> None:
        """Close the loop, as `asyncio.run` closes its own."""
        self.run(self._loop.shutdown_asyncgens())
        self.run(self._loop.shutdown_default_executor())
        self._loop.close()
        self._thread.shutdown()


@contextlib.contextmanager
def entered_aside(
    context: AbstractAsyncContextManager[Value],
) -> Iterator[tuple[SideLoop, Value]]:
    """Enter `context` in a loop of its own, and leave it after the block."""
    loop = SideLoop()
    try:
        value = loop.run(_enter(context))
        try:
            yield loop, value
        finally:
            loop.run(_leave(context))
    finally:
        loop.close()


async def _enter(context: AbstractAsyncContextManager[Value]) -> Value:
    return await context.__aenter__()


async def _leave(context: AbstractAsyncContextManager[Any]) -> None:
    await context.__aexit__(None, None, None)
