"""An answer in one write: uvicorn makes two, of head and body, and each costs a system call."""

import asyncio
from collections.abc import Callable
from typing import Any

_BEGINS, _ENDS = b"HTTP/1.1 ", b"\r\n\r\n"
# An interim answer has nothing behind it.
_INTERIM = b"HTTP/1.1 1"


class CorkedTransport:
    """A transport that holds an answer's head back until the next write, or until it is told.

    `close` is how it closes, if not at once.
    """

    __slots__ = ("_close", "_head", "_transport", "_write")

    def __init__(
        self, transport: asyncio.Transport, close: Callable[[], None] | None = None
    ) -> None:
        self._transport = transport
        self._close = close or transport.close
        self._write = transport.write
        self._head = b""

    def write(self, data: bytes) -> None:
        """Write `data` behind what is held back; a head alone is held back itself."""
        if self._head:
            data = self._head + data
            self._head = b""
        elif data.startswith(_BEGINS) and data.endswith(_ENDS) and not data.startswith(_INTERIM):
            self._head = data
            return
        self._write(data)

    def uncork(self) -> None:
        """Write what is held back: nothing comes behind it."""
        if self._head:
            self._write(self._head)
            self._head = b""

    def close(self) -> None:
        """Write what is held back, and close."""
        self.uncork()
        self._close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
