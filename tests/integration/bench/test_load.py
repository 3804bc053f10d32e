"""The load generator counts and times what a real server really did."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from bench.serving.load import Job, Load
from bench.serving.measurement import Measurement
from tests.harness import serve

pytestmark = pytest.mark.thorough

MARK = '"decision":"in_review"'


class Counting:
    """An application that keeps what it was sent; every `fails`-th answer is a 500."""

    def __init__(self, *, fails: int = 0, stall_seconds: float = 0.0) -> None:
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.failed = 0
        self.app = FastAPI()
        self._fails = fails
        self._stall_seconds = stall_seconds
        self.app.post("/predict")(self.predict)
        self.app.post("/chunked")(self.chunked)

    async def predict(self, request: Request) -> Response:
        items: list[dict[str, Any]] = orjson.loads(await request.body())["items"]
        self.ids += [item["item_id"] for item in items]
        self.texts += [item["data"]["text"] for item in items]
        if self._stall_seconds:
            stall, self._stall_seconds = self._stall_seconds, 0.0
            await asyncio.sleep(stall)
        if self._fails and len(self.ids) % self._fails == 0:
            self.failed += 1
            return Response(status_code=500)
        return Response(f"{{{MARK}}}")

    async def chunked(self, request: Request) -> StreamingResponse:
        await self.predict(request)

        async def pieces() -> AsyncIterator[bytes]:
            yield b'{"a":'
            yield b"1}"

        return StreamingResponse(pieces())


def job(base_url: str, **changes: Any) -> Job:
    given = {
        "port": int(base_url.rsplit(":", 1)[1]),
        "path": "/predict",
        "shape": "predict",
        "items": 1,
        "connections": 4,
        "seconds": 0.2,
        "warm_seconds": 0.05,
        "prefix": "test",
        "mark": MARK,
    }
    return Job(**{**given, **changes})


async def measure(counting: Counting, **changes: Any) -> Measurement:
    """Run a load for longer each time, until requests fell into the time that is measured."""
    async with serve(counting.app) as base_url:
        for seconds in (0.2, 1.0, 5.0, 25.0):
            counting.ids, counting.texts, counting.failed = [], [], 0
            measured = await Load(job(base_url, seconds=seconds, **changes)).run()
            if measured.requests > 0:
                return measured
    raise AssertionError("no request was answered")


async def test_every_request_is_counted_once_and_has_an_item_of_its_own() -> None:
    counting = Counting()
    measured = await measure(counting, items=3)
    assert measured.errors == 0
    assert 0 < measured.requests <= measured.answered == len(counting.ids) / 3
    assert measured.marked == measured.requests
    assert measured.items_per_second == 3 * measured.requests_per_second
    assert 0 < measured.p50_ms <= measured.p99_ms < 10_000
    assert len(set(counting.ids)) == len(set(counting.texts)) == len(counting.ids)


async def test_a_status_other_than_200_is_an_error_and_no_answer() -> None:
    counting = Counting(fails=2)
    measured = await measure(counting, connections=1)
    assert 0 < measured.errors <= counting.failed
    assert abs(measured.requests - measured.errors) <= 1


async def test_chunked_answers_are_read() -> None:
    measured = await measure(Counting(), path="/chunked")
    assert measured.errors == 0


async def test_connections_that_close_without_an_answer_are_errors() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await reader.read(1)

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for seconds in (0.2, 1.0, 5.0, 25.0):
            measured = await Load(job(f"http://127.0.0.1:{port}", seconds=seconds)).run()
            assert measured.requests == 0
            # Each of the four was opened again, and failed again.
            if measured.errors > 4:
                break
    assert measured.errors > 4


@pytest.mark.thorough
async def test_an_open_loop_keeps_its_pace_and_does_not_forgive_a_stall() -> None:
    counting = Counting(stall_seconds=0.3)
    async with serve(counting.app) as base_url:
        load = Load(job(base_url, connections=1, rate=100.0, seconds=2.0, warm_seconds=0.0))
        measured = await load.run()
    assert measured.errors == 0
    assert 0 < measured.requests <= 200
    assert len(counting.ids) <= 201
    # One request met the stall; those that fell due meanwhile waited for its end.
    assert sum(latency > 0.1e9 for latency in load.latencies) > 2
