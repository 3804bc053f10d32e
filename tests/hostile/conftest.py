"""Each service alone, as a process of its own whose memory can be measured."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.auth import Keys
from tests.harness import free_port
from tests.harness.installation import SERVICES
from tests.harness.processes import spawn

# The head of a request whose route reads a JSON body before all else.
_READERS = {
    "router": "/v1/projects/none/predict",
    "review_queue": "/v1/projects/none/tasks",
    "trainer": "/v1/projects/none/pool/batches",
}
SLOW_SECONDS = 3


@dataclass
class Target:
    """One running service."""

    name: str
    port: int
    token: str
    pid: int

    @property
    def read(self) -> bytes:
        """Head, up to its framing, of a request whose body is read."""
        lines = [
            f"POST {_READERS[self.name]} HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {self.token}",
            "Content-Type: application/json",
            "",
        ]
        return "\r\n".join(lines).encode()

    def most_memory(self) -> int:
        """Bytes of memory that the service has had at most."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@contextlib.contextmanager
def target(name: str, home: Path) -> Iterator[Target]:
    keys = Keys(home / "keys")
    keys.ensure()
    port = free_port()
    settings = {
        "SUREHAND_SECRET": secrets.token_hex(32),
        "SUREHAND_SERVICE_TOKEN": keys.issue("service", "tests"),
        "SUREHAND_HEADER_TIMEOUT_SECONDS": str(SLOW_SECONDS),
        "SUREHAND_BODY_TIMEOUT_SECONDS": str(SLOW_SECONDS),
    }
    with spawn(name, home, port, health=None, **settings) as running:
        running.wait_ready(seconds=120)
        yield Target(name, port, keys.issue("operator", "o"), running.process.pid)


@pytest.fixture(scope="module", params=SERVICES)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """Each service in turn."""
    home = tmp_path_factory.mktemp(request.param) / "home"
    with target(request.param, home) as running:
        yield running
