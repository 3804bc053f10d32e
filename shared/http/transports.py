"""Between uvicorn's connection and its socket: whole answers, reading in turn, refusals.

uvicorn writes an answer's head and body apart, and each write costs a system call.
"""

import asyncio
from collections.abc import Callable, Sized
from typing import Any

import orjson
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from shared.problems import MEDIA_TYPE, Problem

_BEGINS, _ENDS = b"HTTP/1.1 ", b"\r\n\r\n"
# An interim answer has nothing behind it.
_INTERIM = b"HTTP/1.1 1"


class CorkedTransport:
    """A transport that holds an answer's head back until the next write, or until it is told.

    `close` is how it closes, if not at once.
    """

    __slots__ = ("_close", "_head", "_transport", "_write", "is_closing")

    def __init__(
        self, transport: asyncio.Transport, close: Callable[[], None] | None = None
    ) -> None:
        self._transport = transport
        self._close = close or transport.close
        self._write = transport.write
        self.is_closing = transport.is_closing
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


class PipelineFlow(FlowControl):
    """Reads nothing while requests wait in `pipeline`.

    uvicorn reads on after each answer: one small request that is answered makes room for the
    thousands of the next read.
    """

    def __init__(self, transport: asyncio.Transport, pipeline: Sized) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        """Read on, unless requests wait."""
        if self.read_paused and not self._pipeline:
            super().resume_reading()


def refusal(problem: Problem, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return a whole response that says `problem` and that the connection is closed."""
    body = orjson.dumps(problem.document())
    own = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    lines = [b"%b: %b\r\n" % header for header in [*headers, *own]]
    return b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", body])


class Deaf(asyncio.Protocol):
    """Discards what still comes; `on_lost` is called once the connection is gone.

    Were it closed while its client is still sending, the client would get a reset, and might never
    see the response.
    """

    def __init__(self, on_lost: Callable[[Exception | None], None]) -> None:
        self._on_lost = on_lost

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the end of the connection on."""
        self._on_lost(exc)
