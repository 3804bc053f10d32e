"""What the spool knows of its tasks, and of those that are on their way to the disk."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.router.spool.entries import Entry


@dataclass(slots=True)
class SpooledTask:
    """What the index knows of a task: `segment` once it is durable, `pending` while it becomes so.

    A task whose lane changes has both: the old line is durable, the new one is on its way.
    """

    digest: bytes
    lane: str
    segment: Path | None = None
    pending: "Append | None" = None


@dataclass
class Append:
    """Entries that are to be written, and all who wait for that."""

    entries: Sequence[Entry]
    replaced: dict[str, SpooledTask] = field(default_factory=dict)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)

    def waiter(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Return a future of its own for one who waits: to cancel it leaves the others alone."""
        future = loop.create_future()
        self.waiters.append(future)
        return future

    def succeed(self) -> None:
        """Tell those who wait that the entries are durable."""
        for future in self.waiters:
            if not future.done():
                future.set_result(None)

    def fail(self, error: Exception) -> None:
        """Tell them that they are not."""
        for future in self.waiters:
            if not future.done():
                future.set_exception(error)
                # A call that waits for several looks only at the first that failed.
                future.exception()
