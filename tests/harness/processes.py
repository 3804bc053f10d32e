"""Services as child processes, for tests that kill them."""

import contextlib
import itertools
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]


# Below those that the system gives to whoever asks for any: nobody takes one before it is bound.
_FIRST_PORT, _PORTS_A_WORKER = 15_000, 1_000
_ports = itertools.count(secrets.randbelow(_PORTS_A_WORKER))


def free_port() -> int:
    """Return a loopback port that is free, and that no other test process is told of."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10
    while True:
        port = _FIRST_PORT + worker * _PORTS_A_WORKER + next(_ports) % _PORTS_A_WORKER
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs; one that has ended and that nobody waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass
class ServiceProcess:
    """One running service process and where it listens."""

    process: subprocess.Popen[bytes]
    base_url: str
    log: Path

    def kill(self) -> None:
        """SIGKILL: no clean-up of any kind."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=120)

    def stop(self, seconds: float = 120) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)

    def wait_ready(self, path: str = "/healthz", seconds: float = 120) -> None:
        """Wait until `path` answers 200."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the service ended:\n{self.log.read_text()[-3000:]}")
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(self.base_url + path, trust_env=False).status_code == httpx.codes.OK:
                    return
            time.sleep(0.05)
        raise AssertionError(f"not ready in {seconds} s:\n{self.log.read_text()[-3000:]}")


@contextlib.contextmanager
def spawn(
    service: str,
    home: Path,
    port: int,
    *,
    health: str | None = "/healthz",
    logs: str | None = None,
    **env: str,
) -> Iterator[ServiceProcess]:
    """Run ``python -m services SERVICE`` with `env`, and end it with the block.

    `env` are ``SUREHAND_`` settings in full. With `health` None it does not wait. Its output
    goes into the folder `logs`, into `home` when that is None.
    """
    home.mkdir(parents=True, exist_ok=True)
    inherited = {key: value for key, value in os.environ.items() if key[:9] != "SUREHAND_"}
    settings = {
        "SUREHAND_HOME": str(home),
        f"SUREHAND_{service.upper()}_PORT": str(port),
        **env,
    }
    log = Path(logs or home) / f"{service}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services", service],
            cwd=ROOT,
            env={**inherited, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = ServiceProcess(process, f"http://127.0.0.1:{port}", log)
    try:
        if health is not None:
            running.wait_ready(health)
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=120)
