"""Serve an application over real HTTP, in the test's own event loop."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from shared.http.connections import ConnectionLimits
from shared.http.server import Server, bound_socket, configured
from tests.harness.waiting import wait_until

# What takes longer hangs, on however busy a machine.
_PATIENT_SECONDS = 120
_LIMITS = ConnectionLimits(
    header_seconds=_PATIENT_SECONDS, body_seconds=_PATIENT_SECONDS, answer_seconds=_PATIENT_SECONDS
)
# Nothing here speaks TLS. Without it, each client makes a context of its own.
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Server(Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ending = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for the end, instead of looking for it every 100 ms."""
        await self.on_tick(0)
        await self.ending.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the test runner's signal handlers alone."""
        yield


@contextlib.asynccontextmanager
async def serve(
    app: ASGIApp,
    port: int = 0,
    limits: ConnectionLimits = _LIMITS,
    *,
    idle_seconds: int | None = None,
) -> AsyncIterator[str]:
    """Serve `app` on a loopback port, and give its base URL.

    It closes an idle connection after `idle_seconds`, if they are given.
    """
    listener = bound_socket("127.0.0.1", port)
    config = configured(app, limits, grace_seconds=2)
    if idle_seconds is not None:
        config.timeout_keep_alive = idle_seconds
    server = _Server(config)
    running = asyncio.create_task(server.serve([listener]))
    try:
        await wait_until(lambda: server.started or running.done())
        if running.done():
            await running
            raise AssertionError("the server did not start")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.ending.set()
        async with asyncio.timeout(_PATIENT_SECONDS):
            await running
        listener.close()


def client(base_url: str, token: str | None = None) -> httpx.AsyncClient:
    """Return a client of `base_url` that sends `token`."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(
        base_url=base_url, headers=headers, timeout=_PATIENT_SECONDS, trust_env=False, verify=_TLS
    )


async def wait_until_ready(client: httpx.AsyncClient) -> dict[str, Any]:
    """Wait until the service says that it is ready, and return what else it says."""

    async def ready() -> dict[str, Any] | None:
        answer = await client.get("/readyz")
        return dict(answer.json()) if answer.status_code == httpx.codes.OK else None

    return await wait_until(ready) or {}
