"""An application that counts what it is asked, and raw connections to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from shared.auth import Keys, Principal, allow
from shared.http.app import build_app
from shared.http.body import StrictRoute
from shared.http.waiting import Client, current_client
from shared.settings import CommonSettings

MIB = 1024 * 1024


class Seen:
    """What the application has seen: bodies by their size, a late call, a stream that was cut."""

    def __init__(self) -> None:
        self.bodies: list[int] = []
        self.cut = asyncio.Event()
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.client: Client | None = None


def counting_app(keys: Keys, seen: Seen) -> FastAPI:
    router = APIRouter(route_class=StrictRoute)

    @router.post("/size")
    async def size(
        request: Request, caller: Annotated[Principal, Depends(allow("caller"))]
    ) -> Response:
        body = await request.body()
        seen.bodies.append(len(body))
        return Response(str(len(body)))

    @router.post("/late")
    async def late(
        request: Request, caller: Annotated[Principal, Depends(allow("caller"))]
    ) -> Response:
        seen.client = current_client()
        seen.begun.set()
        await seen.go_on.wait()
        return Response(str(len(await request.body())))

    @router.get("/endless")
    async def endless(caller: Annotated[Principal, Depends(allow("caller"))]) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * MIB
                    await asyncio.sleep(0)
            finally:
                seen.cut.set()

        return StreamingResponse(pieces())

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    return build_app(
        CommonSettings(public_keys_dir=keys.public_folder),
        service="sizes",
        description="",
        lifespan=lifespan,
        routers=[router],
        missing={},
    )


class Raw:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def trickle(self, data: bytes, pause: float = 0.02) -> None:
        """Send `data` again and again, until the server has closed."""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(60):
                while True:
                    await self.send(data)
                    await asyncio.sleep(pause)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one answer with a length."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ") for line in head[1:-2])}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, body

    async def rest(self) -> bytes:
        """Read until the server closes."""
        async with asyncio.timeout(60):
            return await self.reader.read()


@contextlib.asynccontextmanager
async def raw(url: str) -> AsyncIterator[Raw]:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()


def head(keys: Keys, path: str, method: str = "POST", **headers: str) -> bytes:
    token = keys.issue("caller", "raw")
    given = {"Host": "x", "Authorization": f"Bearer {token}", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()
