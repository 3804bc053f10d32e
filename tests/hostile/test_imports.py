"""Imports of small bodies that want to become large: what they take is bounded, and told."""

import asyncio
import contextlib
import resource
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import httpx
import pytest

import services.review_queue
import services.trainer
from shared.auth import Keys
from tests.harness.databases import create_tables
from tests.harness.processes import ServiceProcess, free_port, spawn
from tests.hostile.bombs import (
    CSV,
    JSON_LINES,
    LABEL_STUDIO,
    MB,
    PARQUET,
    POOL_CSV,
    POOL_LINES,
    POOL_PARQUET,
    Body,
)

pytestmark = pytest.mark.thorough

# Past this an allocation fails: a bomb that goes off hurts the service under test, not the machine.
_ADDRESS_SPACE = 4 * 2**30
# A body is held as its bytes, its text and its values, each a few times as large as the one before.
MOST_MB = 400
SPEC = {
    "labels": ["no", "yes"],
    "fields": {"text": {"type": "text"}},
    "metadata": ["channel"],
}
MEDIA_TYPES = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "label-studio": "application/json",
}
# What is said to be wrong with a file that is read only so far.
FAULTS = {
    ("parquet", "a text in many rows"): "repeats itself",
    ("parquet", "a long list"): "more than 1024 MiB",
    ("parquet", "many rows"): "repeats itself",
    ("parquet", "many columns"): "the most is 1000",
}
IMPORTS = [
    pytest.param(form, body, FAULTS.get((form, name)), id=f"{form}: {name}")
    for form, bodies in (
        ("jsonl", JSON_LINES),
        ("label-studio", LABEL_STUDIO),
        ("csv", CSV),
        ("parquet", PARQUET),
    )
    for name, body in bodies.items()
]
POOLS = [
    pytest.param(form, body, id=f"{form}: {name}")
    for form, bodies in (("jsonl", POOL_LINES), ("csv", POOL_CSV), ("parquet", POOL_PARQUET))
    for name, body in bodies.items()
]


@dataclass
class Service:
    """A service process whose memory is bounded and watched."""

    running: ServiceProcess
    operator: httpx.Client

    def post(self, path: str, body: bytes, media_type: str) -> tuple[httpx.Response, float]:
        """Post `body`; return the answer, and by how many MB the process grew meanwhile."""
        Path(f"/proc/{self.running.process.pid}/clear_refs").write_text("5")
        before = self._memory_mb("VmRSS")
        answer = self.operator.post(path, content=body, headers={"Content-Type": media_type})
        return answer, self._memory_mb("VmHWM") - before

    def _memory_mb(self, which: str) -> float:
        status = Path(f"/proc/{self.running.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith(f"{which}:")]
        return int(line.split()[1]) * 1024 / 1e6


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bombs")


@contextlib.contextmanager
def serving(home: Path, package: ModuleType) -> Iterator[Service]:
    """Run a service with `home`, and give an operator's client of it."""
    name = package.__name__.rpartition(".")[2]
    keys, port = Keys(home / "keys"), free_port()
    keys.ensure()
    asyncio.run(create_tables(name, f"sqlite+aiosqlite:///{home / name}.db"))
    quiet = {"SUREHAND_SECRET": secrets.token_hex(32), "SUREHAND_LOG_LEVEL": "ERROR"}
    headers = {"Authorization": f"Bearer {keys.issue('operator', 'bomber')}"}
    with (
        spawn(name, home, port, health=None, **quiet) as running,
        httpx.Client(
            base_url=running.base_url, headers=headers, timeout=600, trust_env=False
        ) as operator,
    ):
        running.wait_ready(seconds=120)
        resource.prlimit(running.process.pid, resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
        yield Service(running, operator)
        assert running.process.poll() is None


@pytest.fixture(scope="module")
def queue(home: Path) -> Iterator[Service]:
    """A review queue with project `shop`."""
    with serving(home, services.review_queue) as service:
        service.operator.put("/v1/projects/shop", json=SPEC).raise_for_status()
        yield service


@pytest.fixture(scope="module")
def trainer(home: Path, queue: Service) -> Iterator[Service]:
    """A trainer that knows the project of the review queue."""
    with serving(home, services.trainer) as service:
        yield service


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("form", "body", "fault"), IMPORTS)
def test_an_import_takes_no_more_memory_than_its_limits_allow_and_says_what_is_wrong(
    queue: Service, form: str, body: Body, fault: str | None
) -> None:
    answer, grown_mb = queue.post("/v1/projects/shop/import", body(), MEDIA_TYPES[form])
    assert grown_mb < MOST_MB
    assert answer.status_code in {200, 422}, answer.text[:2000]
    assert len(answer.content) < MB
    assert queue.operator.get("/healthz").is_success
    if fault is not None:
        report = answer.json()
        assert fault in (report.get("rejected") or report["errors"])[-1]["detail"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("form", "body"), POOLS)
def test_a_pool_import_takes_no_more_memory_than_its_limits_allow(
    trainer: Service, form: str, body: Body
) -> None:
    answer, grown_mb = trainer.post("/v1/projects/shop/pool", body(), MEDIA_TYPES[form])
    assert grown_mb < MOST_MB
    assert answer.status_code in {200, 422}, answer.text[:2000]
    assert len(answer.content) < MB
    assert trainer.operator.get("/healthz").is_success


def test_good_rows_beside_a_bomb_are_taken_in(queue: Service) -> None:
    body = JSON_LINES["open brackets"]()
    answer, _ = queue.post("/v1/projects/shop/import?lane=optional", body, MEDIA_TYPES["jsonl"])
    report = answer.json()
    assert (report["rows"], report["rejected_count"]) == (2, 1)
    assert report["rejected"][0]["detail"] == ": must not be nested more than 128 deep"
