"""What asyncio and threads do differently. This module is written twice, by hand."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

_PART_BYTES = 256 * 1024


async def sleep(seconds: float) -> None:
    """Wait without blocking the event loop."""
    await asyncio.sleep(seconds)


async def in_order(
    work: Callable[[Given], Awaitable[Made]], given: Iterable[Given], at_once: int
) -> AsyncIterator[Made]:
    """Yield `work` of each of `given`, in order, with at most `at_once` under way.

    A failure is raised in its turn, and ends what is under way.
    """
    async with contextlib.AsyncExitStack() as stack:
        under_way: deque[asyncio.Task[Made]] = deque()
        stack.push_async_callback(_end, under_way)
        for one in given:
            if len(under_way) >= at_once:
                yield await under_way.popleft()
            under_way.append(asyncio.ensure_future(_run(work, one)))
        while under_way:
            yield await under_way.popleft()


async def _run(work: Callable[[Given], Awaitable[Made]], one: Given) -> Made:
    return await work(one)


async def _end(tasks: deque[asyncio.Task[Made]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def repeatedly(work: Callable[[], Awaitable[float]]) -> AsyncIterator[None]:
    """While the block lasts, call `work`, wait the seconds that it returns, and again."""

    async def run() -> None:
        while True:  # noqa: ASYNC110 - no event says that time has passed
            await asyncio.sleep(await work())

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def parts_of(path: Path) -> AsyncIterator[bytes]:
    """Yield a file part by part."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while part := await asyncio.to_thread(file.read, _PART_BYTES):
            yield part
    finally:
        file.close()


async def write_to(path: Path, parts: AsyncIterator[bytes]) -> int:
    """Write a file as a whole or not at all, and return its size."""
    unfinished = path.with_name(f".{path.name}.part")
    size = 0
    try:
        with unfinished.open("wb") as file:
            async for part in parts:
                size += await asyncio.to_thread(file.write, part)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return size
