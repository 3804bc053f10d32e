"""Refuse a connection: say why, and close it so that the client can read it."""

import asyncio
from collections.abc import Callable

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from shared.problems import MEDIA_TYPE, Problem


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
