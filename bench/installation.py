"""Parts of a Surehand installation that benchmarks run: its home, Redis, the review queue."""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import httpx

from bench.ground import Ground
from bench.serving.processes import Server, ServerFailed, free_port, running
from services.local.home import Home
from services.local.redis import local_redis
from shared.auth import Role

_WAIT_SECONDS = 30.0
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def new_home(ground: Ground) -> Iterator[Home]:
    """Give an empty home; it goes with the block."""
    # Each installation starts empty: what one cell left in review is not the next one's load.
    with tempfile.TemporaryDirectory(dir=ground.folder, prefix="home-") as folder:
        yield Home(Path(folder))


def environment_of(home: Home) -> tuple[dict[str, str], dict[str, str]]:
    """Return the services' settings, and the tokens by role."""
    tokens = home.issue_tokens()
    queue = free_port()
    return {
        "SUREHAND_HOME": str(home.folder),
        "SUREHAND_SECRET": home.secret(),
        "SUREHAND_SERVICE_TOKEN": tokens["service"],
        "SUREHAND_REVIEW_QUEUE_PORT": str(queue),
        "SUREHAND_REVIEW_QUEUE_URL": f"http://127.0.0.1:{queue}",
        "SUREHAND_ROUTER_PORT": str(free_port()),
    }, tokens


@contextlib.asynccontextmanager
async def running_redis(
    ground: Ground, home: Home, environment: dict[str, str]
) -> AsyncIterator[None]:
    """Run Redis, and put its URL into `environment`."""
    command, url = local_redis(home.folder)
    async with running(command, {}, ground.log("redis"), ground.cores.load) as server:
        socket = Path(url.removeprefix("unix://"))
        await until(server, lambda: _exists(socket))
        environment["SUREHAND_REDIS_URL"] = url
        yield


async def _exists(path: Path) -> bool:
    return path.is_socket()  # noqa: ASYNC240 - a look at a local folder


@contextlib.asynccontextmanager
async def running_review_queue(
    ground: Ground, environment: Mapping[str, str], cores: frozenset[int]
) -> AsyncIterator[Server]:
    """Bring the database up to date, and run the review queue until the block ends."""
    log = ground.log("review_queue")
    migrate = ground.python("-m", "services", "migrate", "review_queue")
    async with running(migrate, environment, log, cores) as migration:
        await migration.process.wait()
    serve = ground.python("-m", "services", "review_queue")
    async with (
        running(serve, environment, log, cores) as server,
        client_of(int(environment["SUREHAND_REVIEW_QUEUE_PORT"]), "") as client,
    ):
        await until(server, lambda: _ready(client))
        yield server


@contextlib.asynccontextmanager
async def single_service(
    service: str, folder: Path, role: Role, **settings: str
) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """Run one service without Redis and the others, in `folder`; yield it with a client of it."""
    home, port = Home(folder), free_port()
    environment = {
        "SUREHAND_HOME": str(folder),
        "SUREHAND_SECRET": home.secret(),
        f"SUREHAND_{service.upper()}_PORT": str(port),
        "SUREHAND_LOG_LEVEL": "ERROR",
        **settings,
    }
    command = [sys.executable, "-m", "services", service]
    async with (
        running(command, environment, folder / "log", frozenset()) as server,
        client_of(port, home.keys.issue(role, "bench"), timeout=None) as client,
    ):
        await until(server, lambda: _ready(client), 60.0)
        yield server, client


def client_of(port: int, token: str, timeout: float | None = 30) -> httpx.AsyncClient:
    """Return a client of a service on this machine; without a token it is anonymous."""
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {token}"} if token else {},
        timeout=timeout,
        trust_env=False,
    )


async def _ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/readyz")).is_success


async def until(
    server: Server, reached: Callable[[], Awaitable[bool]], seconds: float = _WAIT_SECONDS
) -> None:
    """Ask until `reached` is true; a connection that is refused or lost counts as false.

    Raises
    ------
    ServerFailed
        The server ended, or it took too long.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        server.check()
        with contextlib.suppress(httpx.TransportError):
            if await reached():
                return
        await asyncio.sleep(_POLL_SECONDS)
    raise ServerFailed(f"not reached in {seconds:.0f} s: {server.tail()}")
