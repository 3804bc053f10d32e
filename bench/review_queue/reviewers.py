"""The load generator: N reviewers, each with a connection, who lease, answer, and lease again.

    python -m bench.review_queue.reviewers < job.json

Reviewers do not pause: each sends the next request as soon as the last is answered. At the end each
finishes the cycle that is under way, so that what was leased is also answered.
"""

import asyncio
import contextlib
import gc
import sys
import time
from dataclasses import asdict, dataclass

import orjson
import uvloop

from bench.review_queue.calls import KINDS, Calls
from bench.review_queue.measurement import Tally
from bench.serving.load import Connection

_DONE = range(200, 300)
_NO_TASK = 404
_RECONNECT_SECONDS = 0.01
_DRAIN_SECONDS = 60.0
_NANOSECONDS = 1e9


@dataclass(frozen=True)
class Job:
    """Who asks where, how long; `kind` is how the server is spoken to."""

    port: int
    kind: str
    project: str
    credentials: list[str]
    seconds: float
    warm_seconds: float

    def as_json(self) -> bytes:
        """Return what `main` reads."""
        return orjson.dumps(asdict(self))


class Reviewer:
    """One reviewer. `handle` names the leased task; None without one."""

    def __init__(self, shift: "Shift", credential: str) -> None:
        self._shift = shift
        self._credential = credential
        self._handle: tuple[str, str] | None = None
        self._connection: Connection | None = None
        self.working = True

    def idle(self, connection: Connection) -> None:
        """Send the next request: the verdict on what is leased, else a lease."""
        self._connection = connection
        if self._handle is not None:
            request = self._shift.calls.verdict(self._credential, self._handle[0])
        elif self._shift.sending and self.working:
            request = self._shift.calls.lease(self._credential)
        else:
            self._stop()
            return
        connection.send(request, time.monotonic_ns())

    def answered(self, due: int, status: int, answer: bytearray) -> None:
        """Take a lease or the answer to a verdict."""
        now = time.monotonic_ns()
        if self._handle is None:
            if status in _DONE:
                self._handle = self._shift.calls.leased(bytes(answer))
            if self._handle is not None:
                self._shift.leased(now, due)
            elif status in _DONE or status == _NO_TASK:
                self._stop()
            else:
                self._shift.failed(answer)
        else:
            task, self._handle = self._handle[1], None
            if status in _DONE:
                self._shift.finished(now, due, task)
            else:
                self._shift.failed(answer)

    def lost(self, connection: Connection) -> None:
        """Open another connection for one that ended; its request has failed."""
        if connection.due is not None:
            self._handle = None
            self._shift.failed(b"the connection was lost")
        if self.working:
            loop = asyncio.get_running_loop()
            loop.call_later(_RECONNECT_SECONDS, lambda: loop.create_task(self.connect()))

    async def connect(self) -> None:
        """Open a connection."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Connection(self), "127.0.0.1", self._shift.port)

    def _stop(self) -> None:
        self.working = False
        self._shift.left()

    def leave(self) -> None:
        """Close the connection."""
        self.working = False
        if self._connection is not None:
            self._connection.due = None
            self._connection.close()


class Shift:
    """One job under way."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.port = job.port
        self.calls: Calls = KINDS[job.kind](job.project)
        self.sending = True
        self._begin = self._end = 0
        self._last = 0
        self._reviewers = [Reviewer(self, one) for one in job.credentials]
        self._all_stopped = asyncio.Event()
        self.tally = Tally()

    async def run(self) -> Tally:
        """Warm up, measure, let all finish."""
        self._begin = time.monotonic_ns() + int(self._job.warm_seconds * _NANOSECONDS)
        self._end = self._begin + int(self._job.seconds * _NANOSECONDS)
        await asyncio.gather(*(one.connect() for one in self._reviewers))
        await asyncio.sleep((self._begin - time.monotonic_ns()) / _NANOSECONDS)
        busy = time.process_time()
        await self._all_left(self._job.seconds)
        self.tally.load_cpu = (time.process_time() - busy) / self._job.seconds
        # Where the tasks ran out, the time ends with the last verdict.
        end = self._end if self._at_work() else min(self._end, self._last)
        self.tally.seconds = (end - self._begin) / _NANOSECONDS
        self.sending = False
        await self._all_left(_DRAIN_SECONDS)
        self.tally.errors += self._at_work()
        for one in self._reviewers:
            one.leave()
        await asyncio.sleep(0)
        return self.tally

    async def _all_left(self, seconds: float) -> None:
        """Wait until all reviewers have stopped, at most `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._all_stopped.wait()

    def _at_work(self) -> int:
        return sum(one.working for one in self._reviewers)

    def left(self) -> None:
        """Tell those who wait for the end once the last reviewer has stopped."""
        if not self._at_work():
            self._all_stopped.set()

    def leased(self, now: int, due: int) -> None:
        """Count a lease."""
        if self._begin <= now < self._end:
            self.tally.leases.append(now - due)

    def finished(self, now: int, due: int, task: str) -> None:
        """Count a cycle."""
        self.tally.answered.append(task)
        self._last = now
        if self._begin <= now < self._end:
            self.tally.cycles += 1
            self.tally.verdicts.append(now - due)

    def failed(self, answer: bytes | bytearray) -> None:
        """Count a request that failed; say what was answered to the first."""
        if not self.tally.errors:
            sys.stderr.write(f"first failure: {bytes(answer[:2000])!r}\n")
        self.tally.errors += 1


def main() -> None:
    """Run the job on standard input; print its tally as JSON."""
    job = Job(**orjson.loads(sys.stdin.buffer.read()))
    gc.freeze()
    gc.disable()
    tally = uvloop.run(Shift(job).run())
    sys.stdout.buffer.write(orjson.dumps(tally.as_dict()))


if __name__ == "__main__":
    main()
