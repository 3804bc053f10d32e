"""The load generator: one process, N keep-alive connections, closed or open loop.

    python -m bench.serving.load < job.json

Closed loop: each connection sends its next request as soon as the last is answered. Open loop
(`rate`): requests are due at a fixed pace, and a latency counts from when its request was due, so
a server that stalls is not spared the requests that it kept from being sent.
"""

import asyncio
import gc
import sys
import time
from array import array
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, cast

import orjson
import uvloop

from bench.serving.http11 import Head, MalformedAnswer, parse_head
from bench.serving.measurement import Measurement, percentile
from bench.serving.shapes import Requests
from bench.serving.texts import make_texts

_TEXTS, _SEED = 4_096, 11
_OK = 200
_TICK_SECONDS = 0.001
_RECONNECT_SECONDS = 0.01
# Requests still unanswered so long after the end have failed.
_DRAIN_SECONDS, _DRAIN_STEP = 10.0, 0.01
_NANOSECONDS, _PER_MILLISECOND = 1e9, 1e6


@dataclass(frozen=True)
class Job:
    """What to send, where, how long.

    `prefix` begins every item id; `mark` is a text that is counted in the answers; `samples` names
    a file for (end, latency) pairs, int64 nanoseconds of the monotonic clock.
    """

    port: int
    path: str
    shape: str
    items: int
    connections: int
    seconds: float
    prefix: str
    warm_seconds: float = 1.0
    token: str = ""
    rate: float | None = None
    mark: str = ""
    samples: str = ""

    def as_json(self) -> bytes:
        """Return what `main` reads."""
        return orjson.dumps(asdict(self))


class Sender(Protocol):
    """Who sends by connections: told of each that is free, of each answer, and of each loss."""

    def idle(self, connection: "Connection") -> None:
        """Take a connection that has nothing under way."""

    def answered(self, due: int, status: int, answer: bytearray) -> None:
        """Take an answer, head included, to the request that counts from `due`."""

    def lost(self, connection: "Connection") -> None:
        """Take note of a connection that has ended."""


class Connection(asyncio.Protocol):
    """One connection with at most one request under way. `due` is when that one counts from."""

    def __init__(self, load: Sender) -> None:
        self._load = load
        self._buffer = bytearray()
        self._head: Head | None = None
        self.transport: asyncio.Transport | None = None
        self.due: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first request."""
        # uvloop's transports are asyncio's by their methods, not by inheritance.
        self.transport = cast("asyncio.Transport", transport)
        self._load.idle(self)

    def send(self, request: bytes, due: int) -> None:
        """Send a request that was due at `due`, in nanoseconds."""
        assert self.transport is not None
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Collect an answer; when it is complete, count it and ask for the next request."""
        buffer = self._buffer
        buffer += data
        try:
            head = self._head or parse_head(buffer)
        except MalformedAnswer:
            self.close()
            return
        if head is None or not head.is_complete(buffer):
            self._head = head
            return
        self._head, due, self.due = None, self.due, None
        assert due is not None
        self._load.answered(due, head.status, buffer)
        self._buffer = bytearray()
        if head.keeps_alive:
            self._load.idle(self)
        else:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the request that it had under way as failed."""
        del exc
        self._load.lost(self)

    def close(self) -> None:
        """Close the connection."""
        if self.transport is not None:
            self.transport.close()


class Load:
    """One job under way."""

    def __init__(self, job: Job) -> None:
        self._job = job
        texts = make_texts(_TEXTS, seed=_SEED)
        self._requests = Requests(
            job.shape, job.items, texts=texts, prefix=job.prefix, path=job.path, token=job.token
        )
        self._connections: set[Connection] = set()
        self._idle: deque[Connection] = deque()
        self._due: deque[int] = deque()
        self._mark = job.mark.encode()
        self._begin = self._end = self._sent_until = 0
        self._sending = True
        self.errors = self.marked = self._answered = 0
        self.ends, self.latencies = array("q"), array("q")

    async def run(self) -> Measurement:
        """Warm up, measure, drain; return what was measured."""
        now = time.monotonic_ns()
        self._begin = now + int(self._job.warm_seconds * _NANOSECONDS)
        self._end = self._begin + int(self._job.seconds * _NANOSECONDS)
        self._sent_until = now
        await asyncio.gather(*(self._connect() for _ in range(self._job.connections)))
        if self._job.rate is not None:
            self._tick()
        await asyncio.sleep((self._begin - time.monotonic_ns()) / _NANOSECONDS)
        busy = time.process_time()
        await asyncio.sleep((self._end - time.monotonic_ns()) / _NANOSECONDS)
        busy = time.process_time() - busy
        await self._drain()
        return self._measurement(busy / self._job.seconds)

    def idle(self, connection: Connection) -> None:
        """Give the connection its next request, when there is one."""
        self._connections.add(connection)
        if not self._sending:
            return
        if self._job.rate is None:
            request = self._requests.make()
            connection.send(request, time.monotonic_ns())
        elif self._due:
            connection.send(self._requests.make(), self._due.popleft())
        else:
            self._idle.append(connection)

    def answered(self, due: int, status: int, answer: bytearray) -> None:
        """Count one answer, when it ends in the measured time."""
        now = time.monotonic_ns()
        self._answered += 1
        if not self._begin <= now < self._end:
            return
        if status != _OK:
            self.errors += 1
            return
        self.ends.append(now)
        self.latencies.append(now - due)
        if self._mark:
            self.marked += answer.count(self._mark)

    def lost(self, connection: Connection) -> None:
        """Open another connection for one that ended; its request has failed."""
        if connection.due is not None and time.monotonic_ns() >= self._begin:
            self.errors += 1
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._sending:
            loop = asyncio.get_running_loop()
            loop.call_later(_RECONNECT_SECONDS, lambda: loop.create_task(self._connect()))

    async def _connect(self) -> None:
        # It may have been due to connect again when sending ended.
        if not self._sending:
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: Connection(self), "127.0.0.1", self._job.port)
        except OSError:
            self.errors += 1
            if self._sending:
                loop.call_later(_RECONNECT_SECONDS, lambda: loop.create_task(self._connect()))

    def _tick(self) -> None:
        """Hand out what has become due since the last tick."""
        if not self._sending:
            return
        assert self._job.rate is not None
        now, step = time.monotonic_ns(), int(_NANOSECONDS / self._job.rate)
        while self._sent_until + step <= now:
            self._sent_until += step
            if self._idle:
                self._idle.popleft().send(self._requests.make(), self._sent_until)
            else:
                self._due.append(self._sent_until)
        asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    async def _drain(self) -> None:
        """Send no more, and wait for what is under way; what stays unanswered has failed."""
        self._sending = False
        for _ in range(round(_DRAIN_SECONDS / _DRAIN_STEP)):
            if not self._under_way():
                break
            await asyncio.sleep(_DRAIN_STEP)
        self.errors += self._under_way()
        for connection in list(self._connections):
            connection.due = None
            connection.close()
        await asyncio.sleep(0)

    def _under_way(self) -> int:
        return sum(connection.due is not None for connection in self._connections)

    def _measurement(self, load_cpu: float) -> Measurement:
        ordered = sorted(self.latencies)
        return Measurement(
            requests=len(ordered),
            items=self._job.items,
            seconds=self._job.seconds,
            errors=self.errors,
            p50_ms=percentile(ordered, 0.5) / _PER_MILLISECOND,
            p99_ms=percentile(ordered, 0.99) / _PER_MILLISECOND,
            answered=self._answered,
            marked=self.marked,
            load_cpu=load_cpu,
        )


def main() -> None:
    """Run the job on standard input; print its measurement as JSON."""
    job = Job(**orjson.loads(sys.stdin.buffer.read()))
    load = Load(job)
    gc.freeze()
    gc.disable()
    measured = uvloop.run(load.run())
    if job.samples:
        with Path(job.samples).open("wb") as file:
            load.ends.tofile(file)
            load.latencies.tofile(file)
    sys.stdout.buffer.write(orjson.dumps(measured.as_dict()))


if __name__ == "__main__":
    main()
