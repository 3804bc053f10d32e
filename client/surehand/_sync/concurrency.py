"""What asyncio and threads do differently. This module is written twice, by hand."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

_PART_BYTES = 256 * 1024


def sleep(seconds: float) -> None:
    """Wait; other threads run on."""
    time.sleep(seconds)


def in_order(work: Callable[[Given], Made], given: Iterable[Given], at_once: int) -> Iterator[Made]:
    """Yield `work` of each of `given`, in order, with at most `at_once` under way.

    A failure is raised in its turn; what is under way is waited for, and dropped.
    """
    with ThreadPoolExecutor(at_once, thread_name_prefix="surehand") as pool:
        under_way: deque[Future[Made]] = deque()
        try:
            for one in given:
                if len(under_way) >= at_once:
                    yield under_way.popleft().result()
                under_way.append(pool.submit(work, one))
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


@contextlib.contextmanager
def repeatedly(work: Callable[[], float]) -> Iterator[None]:
    """While the block lasts, call `work`, wait the seconds that it returns, and again."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(work()):
            pass

    thread = threading.Thread(target=run, name="surehand-leases", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def parts_of(path: Path) -> Iterator[bytes]:
    """Yield a file part by part."""
    with path.open("rb") as file:
        while part := file.read(_PART_BYTES):
            yield part


def write_to(path: Path, parts: Iterator[bytes]) -> int:
    """Write a file as a whole or not at all, and return its size."""
    unfinished = path.with_name(f".{path.name}.part")
    size = 0
    try:
        with unfinished.open("wb") as file:
            for part in parts:
                size += file.write(part)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return size
