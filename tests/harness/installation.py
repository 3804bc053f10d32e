"""A whole installation, as ``make run`` starts it, for end-to-end tests."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.harness.processes import ROOT, free_port
from tests.harness.serving import client

SERVICES = ("router", "review_queue", "trainer")


@dataclass
class Launched:
    """A running launcher, its home and its ports by service."""

    process: subprocess.Popen[bytes]
    home: Path
    ports: dict[str, int]
    output: Path

    def address(self, service: str) -> str:
        """Base URL of `service`."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def token(self, role: str) -> str:
        """The role's token, as a user finds it."""
        return str(json.loads((self.home / "tokens.json").read_text())[role])

    def client(self, service: str, role: str) -> httpx.AsyncClient:
        """Return a client of `service` with the token of `role`."""
        return client(self.address(service), self.token(role))

    def child(self, name: str) -> psutil.Process:
        """Return the process of a service, or of Redis."""
        mark = "unixsocket" if name == "redis" else f"-m services {name}"
        for process in psutil.Process(self.process.pid).children(recursive=True):
            # One that has just been killed may still be there as a zombie.
            with contextlib.suppress(psutil.NoSuchProcess):
                if mark in " ".join(process.cmdline()):
                    return process
        raise LookupError(name)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send `number` to the launcher, and return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=180)


@contextlib.contextmanager
def launch(
    home: Path, before: Callable[[], None] | None = None, /, *, ready: bool = True, **env: str
) -> Iterator[Launched]:
    """Run ``python -m services up`` on `home`, without the demo unless `env` says so.

    `before` runs in the new process first: `without_powers()`, where modes of files are to hold.
    """
    home.mkdir(parents=True, exist_ok=True)
    ports = {name: free_port() for name in (*SERVICES, "console")}
    inherited = {key: value for key, value in os.environ.items() if key[:9] != "SUREHAND_"}
    own = {f"SUREHAND_{name.upper()}_PORT": str(port) for name, port in ports.items()}
    settings = {"SUREHAND_HOME": str(home), "SUREHAND_DEMO": "0", **own, **env}
    ports = {name: int(settings[f"SUREHAND_{name.upper()}_PORT"]) for name in ports}
    output = home / f"output-{time.monotonic_ns()}"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "services", "up"],
            cwd=ROOT, env={**inherited, **settings}, stdout=sink, stderr=sink,
            preexec_fn=before,  # noqa: PLW1509
        )  # fmt: skip
    launched = Launched(process, home, ports, output)
    try:
        if ready:
            _wait_ready(launched)
        yield launched
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=180)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_ready(launched: Launched, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not (launched.home / "ready").exists():
        if launched.process.poll() is not None or time.monotonic() > deadline:
            log = launched.home / "surehand.log"
            tail = log.read_text()[-4000:] if log.exists() else ""
            raise AssertionError(f"not ready:\n{launched.output.read_text()}\n{tail}")
        time.sleep(0.05)


async def trains_none(trainer: httpx.AsyncClient, project: str) -> bool:
    """Say whether no version of the project, which is given by its path, is being trained."""
    answer = await trainer.get(f"{project}/runs")
    runs = answer.raise_for_status().json()["runs"]
    return not any(run["state"] in {"queued", "running"} for run in runs)
