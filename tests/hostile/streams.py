"""What clients may send without end, and how much memory a service takes meanwhile."""

import asyncio
import contextlib

from tests.hostile.cases import CHUNKED, GET

MIB = 1024 * 1024
# So much each of three connections sends of each, unless it is cut off before.
_SENT = 8 * MIB
_CONNECTIONS = 3
# A service that has not read for so long does not mean to: what it has answered is not read either.
_PATIENCE_SECONDS = 5

_POST = b"POST /healthz HTTP/1.1\r\nHost: x\r\n"
_CHUNKS = _POST + CHUNKED + b"\r\n\r\n"
_PIECE = b"x" * 65_536
# The beginning, and what is sent again and again behind it.
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "trailers": (_CHUNKS + b"0\r\n", b"A: b\r\n" * 10_000),
    "a trailer": (_CHUNKS + b"0\r\nA: ", _PIECE),
    "the name of a trailer": (_CHUNKS + b"0\r\n", _PIECE),
    "an extension of a chunk": (_CHUNKS + b"1;", _PIECE),
    "extensions of chunks": (_CHUNKS, b"1;" + b"x" * 30_000 + b"\r\nx\r\n"),
    "the size of a chunk": (_CHUNKS, b"0" * 65_536),
    "a header": (GET + b"A: ", _PIECE),
    "headers": (GET, b"A: b\r\n" * 10_000),
    "a request line": (b"GET /", _PIECE),
    "a body of declared length": (_POST + b"Content-Length: 9999999999\r\n\r\n", _PIECE),
    "a body in chunks": (_CHUNKS, b"10000\r\n" + _PIECE + b"\r\n"),
    "requests whose answers are not read": (b"", (GET + b"\r\n") * 1000),
}


async def stream(port: int, begin: bytes, more: bytes) -> None:
    """Send from several connections, until each is cut off or not read from any more."""

    async def one() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError, TimeoutError):
            writer.write(begin)
            for _ in range(_SENT // len(more)):
                writer.write(more)
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await writer.drain()
        writer.transport.abort()

    await asyncio.gather(*(one() for _ in range(_CONNECTIONS)))
