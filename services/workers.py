"""Several worker processes of one service on one port, kept alive by the process that starts them.

Each worker listens on a socket of its own (SO_REUSEPORT), and the kernel spreads connections over
them by their addresses. With one socket that all of them listen on, whoever wakes first takes all
that waits: 32 connections that came at once fell to one of two workers in half of the trials.
"""

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from pydantic_settings import BaseSettings

from services.serving import WRONG_ENVIRONMENT, bind, port_of, stop_seconds
from services.supervisor import Supervisor, beat
from shared.logs import configure_logging
from shared.metrics import METRICS_FOLDER, forget_gauges
from shared.settings import PREFIX, CommonSettings, SettingsError

log = structlog.get_logger()

# A worker ends itself within its own time; only one that is stopped dead is killed.
_REAP_SECONDS = 2.0
_TRIES = 3


def supervise(
    service: str,
    common: CommonSettings,
    settings: BaseSettings,
    count: int,
    heartbeat: int | None = None,
) -> int:
    """Run `count` workers until SIGTERM or SIGINT; return 0 when all of them have ended cleanly.

    Signs of life of this process itself go to the pipe `heartbeat`.

    Raises `SettingsError`: the port is busy, or no worker can start.
    """
    configure_logging(service, common.log_level)
    host, port = common.bind_host, port_of(settings)
    with ExitStack() as stack:
        # Sockets that share a port do not notice that somebody else has it.
        bind(service, host, port).close()
        # Bound, and never listening: it keeps the port while workers come and go.
        kept = stack.enter_context(bind(service, host, port, shared=True))
        metrics = stack.enter_context(
            TemporaryDirectory(prefix="surehand-metrics-", ignore_cleanup_errors=True)
        )
        upper = service.upper()
        environment = {
            **os.environ,
            f"{PREFIX}{upper}_PORT": str(kept.getsockname()[1]),
            f"{PREFIX}{upper}_WORKERS": str(count),
            METRICS_FOLDER: metrics,
        }
        workers = _Workers(service, count, Path(metrics))
        return asyncio.run(workers.run(common, environment, heartbeat))


@dataclass
class _Workers:
    """The workers of one service, from their start to their end."""

    service: str
    count: int
    metrics: Path
    any_started: bool = False
    failures: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    hopeless: bool = False

    async def run(
        self, common: CommonSettings, environment: dict[str, str], heartbeat: int | None
    ) -> int:
        beat(heartbeat)
        for stop in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(stop, self.over.set)
        supervisor = Supervisor(
            on_start=self.started,
            on_restart=self.ended,
            stop_seconds=stop_seconds(common) + _REAP_SECONDS,
            hang_seconds=common.hang_seconds,
        )
        try:
            for number in range(self.count):
                command = [sys.executable, "-m", "services.worker", self.service, str(number)]
                await supervisor.start(str(number), command, environment, beats=True)
            await self.over.wait()
        finally:
            await supervisor.stop(together=True)
        if self.hopeless:
            raise SettingsError(
                f"No worker of {self.service} could start; the lines above say why."
            )
        ends = [child.process.returncode for child in supervisor.children if child.process]
        # One that was stopped before it could listen for signals has died of it.
        return 0 if set(ends) <= {0, -signal.SIGTERM} else 1

    def started(self, number: str) -> None:
        self.any_started = True
        log.info("worker_started", worker=int(number))

    def ended(self, number: str, status: int | None) -> None:
        """Note that a worker ended by itself; it is started again unless there is no hope."""
        log.error("worker_ended", worker=int(number), status=status)
        forget_gauges(self.metrics, int(number))
        if self.any_started:
            return
        self.failures += 1
        if status == WRONG_ENVIRONMENT or self.failures >= _TRIES * self.count:
            self.hopeless = True
            self.over.set()
