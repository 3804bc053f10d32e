"""A request's body as a file that a thread reads while it comes: never in memory as a whole."""

import asyncio
import io
from collections.abc import AsyncIterator
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class IncomingFile(io.RawIOBase):
    """A file over the chunks of a body.

    Its reader is a thread, which waits for the event loop that the chunks come in. Whatever ends
    the body early (the client leaves, it is too large) is raised there. `received` counts bytes.
    """

    def __init__(self, chunks: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self.received = 0
        self._chunks = chunks
        self._loop = loop
        self._rest = memoryview(b"")
        self._awaited: Future[bytes] | None = None
        self._abandoned = False

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read some bytes; 0 at the end."""
        if not self._rest:
            self._rest = memoryview(self._receive())
        target = memoryview(buffer)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def abandon(self) -> None:
        """Let a thread that waits for more be told that there is no more."""
        self._abandoned = True
        if self._awaited is not None:
            self._awaited.cancel()

    def _receive(self) -> bytes:
        self._awaited = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
        if self._abandoned:
            self._awaited.cancel()
        return self._awaited.result()

    async def _next(self) -> bytes:
        async for chunk in self._chunks:
            if chunk:
                self.received += len(chunk)
                return chunk
        return b""
