"""What the spool knows of its tasks, and of those that are on their way to the disk."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.router.spool.entries import Entry


@dataclass(frozen=True, slots=True)
class SpooledTask:
    """What the index knows of a task that is durable: its last line lies in `segment`."""

    digest: bytes
    lane: str
    segment: Path


@dataclass
class Append:
    """Entries that are to be written, and all who wait for that."""

    entries: Sequence[Entry]
    waiters: list[asyncio.Future[None]] = field(default_factory=list)

    def waiter(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Return a future of its own for one who waits: to cancel it leaves the others alone."""
        future = loop.create_future()
        self.waiters.append(future)
        return future

    def settle(self, error: Exception | None) -> None:
        """Tell those who wait that the entries are durable, or with `error` that they are not."""
        for future in self.waiters:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
                # A call that waits for several looks only at the first that failed.
                future.exception()
