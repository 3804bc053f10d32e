"""``make run``: Redis, migrations, three supervised services, the demo's seed, one log."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import structlog

from services.local.greeting import greet
from services.local.home import Home
from services.local.installation import SERVICE_NAMES, SQL_SERVICES, Installation
from services.local.redis import local_redis
from services.local.seeding import seed_demo
from services.serving import bind, load_service_settings, migrate
from services.supervisor import Supervisor
from shared.logs import configure_logging
from shared.settings import SettingsError

log = structlog.get_logger()

_READY_SECONDS = 60.0
_LARGEST_LOG_BYTES = 64 * 1024 * 1024


def up() -> int:
    """Run until Ctrl-C or SIGTERM; return 0 after a clean stop."""
    installation = Installation.from_environment()
    configure_logging("launcher", installation.common.log_level)
    return asyncio.run(_until_stopped(installation))


async def _until_stopped(installation: Installation) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    working = asyncio.create_task(_work(installation))
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if stop.is_set():
        sys.stdout.write("\nStopping; the data stays.\n")
        working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    return 0


async def _work(installation: Installation) -> None:
    async with running(installation) as home:
        note = await seed_demo(installation) if installation.demo else None
        home.mark_ready(installation.addresses)
        await greet(installation, home, note)
        await _follow(home.log_file)


@contextlib.asynccontextmanager
async def running(installation: Installation) -> AsyncIterator[Home]:
    """Run Redis and the services while the block lasts; enter when every service is ready.

    Raises `SettingsError`: the home is in use or cannot be used, a port is busy, there is no Redis,
    or a service does not get ready.
    """
    home = Home(installation.common.home)
    with home.locked():
        async with home.without_children() as inherited:
            for name, port in installation.ports.items():
                bind(name, installation.common.bind_host, port).close()
            if home.log_file.exists() and home.log_file.stat().st_size > _LARGEST_LOG_BYTES:
                home.log_file.replace(home.log_file.with_suffix(".log.old"))
            with home.log_file.open("ab") as sink:
                hang_seconds = installation.common.hang_seconds
                supervisor = Supervisor(sink, on_restart=_restarted, hang_seconds=hang_seconds)
                try:
                    await _start(installation, home, supervisor, [inherited])
                    yield home
                finally:
                    home.ready_file.unlink(missing_ok=True)
                    await supervisor.stop()


async def _start(
    installation: Installation, home: Home, supervisor: Supervisor, inherited: list[int]
) -> None:
    installation.tokens = home.issue_tokens()
    environment = installation.environment(home)
    if not installation.common.redis_url:
        command, environment["SUREHAND_REDIS_URL"] = local_redis(home.folder)
        await supervisor.start("redis", command, os.environ, inherited)
    # The router has no schema to wait for, and starts while the databases are brought up to date.
    for name in SERVICE_NAMES:
        if name in SQL_SERVICES:
            await _migrate(name, installation)
        command = [sys.executable, "-m", "services", name]
        await supervisor.start(name, command, environment, inherited, beats=True)
    await _wait_ready(installation, home.log_file)


async def _migrate(name: str, installation: Installation) -> None:
    try:
        await migrate(name, installation.common, load_service_settings(name))
    except Exception as error:
        raise SettingsError(f"The database of {name} could not be migrated: {error!r}.") from error


async def _wait_ready(installation: Installation, log_file: Path) -> None:
    lacking = dict(installation.addresses)
    try:
        async with (
            asyncio.timeout(_READY_SECONDS),
            httpx.AsyncClient(timeout=2, trust_env=False) as client,
        ):
            while lacking:
                for name, address in list(lacking.items()):
                    with contextlib.suppress(httpx.TransportError):
                        if (await client.get(f"{address}/readyz")).is_success:
                            del lacking[name]
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        left = f"Not ready within {_READY_SECONDS:.0f} s: {', '.join(lacking)}"
        raise SettingsError(f"{left}; see {log_file}.") from error


def _restarted(name: str, status: int | None) -> None:
    log.error("child_restarted", child=name, status=status)


async def _follow(log_file: Path) -> None:
    with log_file.open("rb") as source:
        source.seek(0, os.SEEK_END)
        while True:
            lines = source.read()
            if lines:
                # A terminal that is gone, or a full disk, is no reason to stop the services.
                with contextlib.suppress(OSError):
                    sys.stdout.buffer.write(lines)
                    sys.stdout.flush()
            else:
                await asyncio.sleep(0.2)
