"""One hostile client: sends bytes, and reads answers until the connection is closed."""

import asyncio
import contextlib

import orjson

PROBE = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: probe\r\nConnection: close\r\n\r\n"
_PATIENCE_SECONDS = 60


async def exchange(port: int, sent: bytes) -> bytes:
    """Send everything at once; return all that came until the service closed."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(sent)
            received = b""
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(65536):
                    received += piece
            return received
        finally:
            writer.close()


def answers(received: bytes) -> list[str]:
    """Return what each answer says: `ok`, `probe`, a problem's kind, or its status."""
    said = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status_line, *lines = head.decode().split("\r\n")
        status = int(status_line.split(" ")[1])
        if status < 200:
            received = rest
            continue
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers["content-length"])
        body, received = rest[:length], rest[length:]
        said.append(_said(status, headers, body))
    return said


def _said(status: int, headers: dict[str, str], body: bytes) -> str:
    if headers["content-type"] == "application/problem+json":
        return str(orjson.loads(body)["type"]).removeprefix("urn:surehand:problem:")
    if status != 200:
        return str(status)
    return "probe" if headers["x-request-id"] == "probe" else "ok"
