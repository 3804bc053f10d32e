"""A service that stops while clients are slow, silent, or do not read: it ends in its time."""

import asyncio
import contextlib
import subprocess
import sys

from shared.auth import Keys
from tests.harness import serve, wait_until
from tests.harness.processes import ROOT
from tests.integration.shared.sockets import Seen, counting_app, head, raw

# Of `serve` two seconds are the grace; the rest is for a busy machine.
_IN_TIME = 60


async def test_no_client_keeps_a_service_from_stopping(keys: Keys, seen: Seen) -> None:
    begun = [
        b"",
        b"GET /hea",
        head(keys, "/size", Content_Length="1000") + b"x",
        head(keys, "/size", Transfer_Encoding="chunked") + b"1\r\n{\r\n0\r\nA: ",
        head(keys, "/late", Content_Length="2") + b"{}",
        head(keys, "/endless", "GET"),
    ]
    async with contextlib.AsyncExitStack() as clients:
        async with asyncio.timeout(_IN_TIME), serve(counting_app(keys, seen)) as url:
            for sent in begun:
                connection = await clients.enter_async_context(raw(url))
                connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
                await connection.send(sent)
            await wait_until(seen.begun.is_set)
        # `serve` has returned, so the service has ended.
        assert seen.bodies == []


def test_a_process_whose_thread_hangs_ends_all_the_same() -> None:
    hanging = (
        "import threading; from services.serving import end_within;"
        "threading.Thread(target=threading.Event().wait, name='stuck').start(); end_within(0.1)"
    )
    command = [sys.executable, "-c", hanging]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=_IN_TIME, check=False)
    assert ended.returncode == 4
    assert b"stop_overdue" in ended.stdout + ended.stderr
    assert b"stuck" in ended.stdout + ended.stderr
