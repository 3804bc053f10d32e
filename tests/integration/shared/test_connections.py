"""Connections over raw sockets: slow, silent, greedy and broken clients are cut off."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Annotated

import orjson
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from shared.auth import Keys, Principal, Verifier, allow
from shared.http.app import build_app
from shared.http.body import StrictRoute
from shared.http.connections import ConnectionLimits
from shared.http.server import bound_socket
from tests.harness import client, serve, wait_until

PATIENT = ConnectionLimits()
HASTY = ConnectionLimits(header_seconds=0.2, body_seconds=0.2, answer_seconds=0.2)
MIB = 1024 * 1024


class Seen:
    """What the application has seen: bodies by their size, and whether a stream was cut."""

    def __init__(self) -> None:
        self.bodies: list[int] = []
        self.cut = asyncio.Event()
        self.go_on = asyncio.Event()


def _app(keys: Keys, seen: Seen) -> FastAPI:
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

    async def missing() -> dict[str, str]:
        return {}

    return build_app(
        service="sizes",
        description="",
        lifespan=lifespan,
        routers=[router],
        verifier=Verifier(keys.public_folder),
        missing=missing,
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
            async with asyncio.timeout(10):
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
        async with asyncio.timeout(10):
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


@pytest.fixture
def seen() -> Seen:
    return Seen()


async def test_a_silent_connection_is_closed(keys: Keys, seen: Seen) -> None:
    async with serve(_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        assert await connection.rest() == b""


@pytest.mark.parametrize("begun", [b"P", b"POST /size HTTP/1.1\r\nHost: x\r\nA: "])
async def test_headers_that_do_not_end_in_time_are_a_408(
    keys: Keys, seen: Seen, begun: bytes
) -> None:
    async with serve(_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        await connection.send(begun)
        status, headers, body = await connection.answer()
        assert status == 408
        assert headers["content-type"] == "application/problem+json"
        assert headers["connection"] == "close"
        assert orjson.loads(body)["type"] == "urn:surehand:problem:request-timeout"
        assert await connection.rest() == b""


async def test_trickled_headers_get_no_more_time(keys: Keys, seen: Seen) -> None:
    async with serve(_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        await connection.send(b"POST /size HTTP/1.1\r\n")
        trickling = asyncio.create_task(connection.trickle(b"x: y\r\n"))
        assert (await connection.answer())[0] == 408
        await trickling


async def test_a_second_request_gets_its_own_time(keys: Keys, seen: Seen) -> None:
    whole = head(keys, "/size", Content_Length="2") + b"{}"
    async with serve(_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        await connection.send(whole)
        assert (await connection.answer())[0] == 200
        await asyncio.sleep(0.3)
        await connection.send(whole[:40])
        await connection.send(whole[40:])
        assert (await connection.answer())[2] == b"2"
        await connection.send(whole[:40])
        assert (await connection.answer())[0] == 408


@pytest.mark.parametrize(
    "begun",
    [({"Content_Length": "1000"}, b"xxxx"), ({"Transfer_Encoding": "chunked"}, b"4\r\nxxxx\r\n")],
)
async def test_a_body_that_does_not_end_in_time_is_a_408_and_never_seen(
    keys: Keys, seen: Seen, begun: tuple[dict[str, str], bytes]
) -> None:
    headers, part = begun
    async with serve(_app(keys, seen), limits=HASTY) as url:
        async with raw(url) as connection:
            await connection.send(head(keys, "/size", **headers) + part)
            status, _, body = await connection.answer()
            assert status == 408
            assert orjson.loads(body)["status"] == 408
            assert await connection.rest() == b""
        async with client(url, keys.issue("caller", "c")) as http:
            assert (await http.post("/size", content=b"{}")).text == "2"
            counted = (await http.get("/metrics")).text
    assert seen.bodies == [2]
    assert 'surehand_http_cut_connections_total{cause="request-timeout"}' in counted


async def test_a_client_is_not_blamed_for_a_service_that_reads_late(keys: Keys, seen: Seen) -> None:
    size = 2 * MIB
    async with serve(_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        await connection.send(head(keys, "/late", Content_Length=str(size)))
        sending = asyncio.create_task(connection.send(b"x" * size))
        await asyncio.sleep(3 * HASTY.body_seconds)
        seen.go_on.set()
        await sending
        assert (await connection.answer())[2] == str(size).encode()


async def test_a_body_refused_before_it_was_read_does_not_hold_the_connection(
    keys: Keys, seen: Seen
) -> None:
    request = head(keys, "/size", Content_Length="1000").replace(b"Bearer", b"Basic")
    async with serve(_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        await connection.send(request + b"x")
        assert (await connection.answer())[0] == 401
        await connection.trickle(b"x")


@pytest.mark.parametrize("declared", [True, False])
async def test_a_large_body_of_declared_length_has_time_while_it_moves_on(
    keys: Keys, seen: Seen, declared: bool
) -> None:
    pieces, piece = 60, b"x" * 32 * 1024
    chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
    length = {"Content_Length": str(pieces * len(piece))}
    headers = length if declared else {"Transfer_Encoding": "chunked"}
    limits = ConnectionLimits(body_seconds=1.0)
    async with serve(_app(keys, seen), limits=limits) as url, raw(url) as connection:
        await connection.send(head(keys, "/size", **headers))
        with contextlib.suppress(ConnectionError):
            for _ in range(pieces):
                await connection.send(piece if declared else chunk)
                await asyncio.sleep(0.03)
        if declared:
            assert (await connection.answer())[0] == 200
            return
        # What is said at the end is lost where it meets bytes that are still being sent.
        with contextlib.suppress(ConnectionError):
            assert (await connection.answer())[0] == 408


@pytest.mark.parametrize("piece", [1000, 1_000_000])
async def test_headers_without_end_are_cut_off(keys: Keys, seen: Seen, piece: int) -> None:
    async with serve(_app(keys, seen)) as url, raw(url) as connection:
        await connection.send(b"POST /size HTTP/1.1\r\nHost: x\r\nEndless: ")
        sending = asyncio.create_task(connection.trickle(b"x" * piece, pause=0))
        status, headers, body = await connection.answer()
        assert (status, headers["connection"]) == (431, "close")
        assert orjson.loads(body)["limit_bytes"] == PATIENT.header_bytes
        await sending
        async with client(url, keys.issue("caller", "c")) as http:
            counted = (await http.get("/metrics")).text
    assert 'surehand_http_cut_connections_total{cause="headers-too-large"}' in counted


async def test_headers_of_a_fair_size_pass_in_pieces_of_any_size(keys: Keys, seen: Seen) -> None:
    request = head(keys, "/size", Content_Length="2", Long="x" * 20_000) + b"{}"
    async with serve(_app(keys, seen)) as url:
        for piece in (len(request), 7000, 100):
            async with raw(url) as connection:
                for start in range(0, len(request), piece):
                    await connection.send(request[start : start + piece])
                    await asyncio.sleep(0)
                assert (await connection.answer())[2] == b"2"


async def test_pipelined_requests_are_all_answered(keys: Keys, seen: Seen) -> None:
    request = head(keys, "/size", Content_Length="40000") + b"x" * 40_000
    async with serve(_app(keys, seen), limits=PATIENT) as url, raw(url) as connection:
        await connection.send(3 * request)
        assert [(await connection.answer())[2] for _ in range(3)] == [b"40000"] * 3


async def test_a_client_that_does_not_read_its_answer_is_cut_off(keys: Keys, seen: Seen) -> None:
    async with serve(_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await connection.send(head(keys, "/endless", "GET"))
        await wait_until(seen.cut.is_set)


def test_the_kernel_gives_up_on_clients_that_have_vanished() -> None:
    with bound_socket("127.0.0.1", 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                patience = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert patience == 30_000
