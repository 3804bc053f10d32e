"""Fixtures that every test may ask for."""

import gc
import importlib.util
import os
import resource
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness.databases import postgres_database
from tests.harness.otlp import Collector, collecting
from tests.harness.routes import share_compiled_routes
from tests.harness.scheduling import SharedServers
from tests.harness.servers import postgres_server, redis_server
from tests.harness.settings import common_settings
from tests.harness.statements import share_compiled_statements

# A busy machine must not fail a property: only what is slow in itself may.
# Each run draws other examples, so a few at a time see as many over the runs.
# Hypothesis would draw the same in each run where CI is set.
settings.register_profile(
    "surehand",
    max_examples=25,
    deadline=None,
    derandomize=False,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("surehand")
share_compiled_statements()
share_compiled_routes()


# So many new objects, 700 by default. While modules are imported and tests collected, nothing is
# thrown away: looking for garbage would take a second of each worker.
_GARBAGE = 50_000
gc.disable()
# httpcore tries to import it four times a request: where it is missing, looking for it on the path
# takes nearly half of the request's time. None says that it is missing, without a look.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]

# Processes that tests start find these modules first: each raises `ImportError` and says why.
_ABSENT = str(Path(__file__).parent / "harness" / "absent")
if _ABSENT not in os.environ.get("PYTHONPATH", ""):
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, (_ABSENT, os.environ.get("PYTHONPATH")))
    )


def _is_roomy(folder: str) -> bool:
    if not os.access(folder, os.W_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize > _ROOM and not found.f_flag & os.ST_NOEXEC


# Tests, and processes that they start, keep their files in memory, where it has room and lets them
# run programs, as containers may not: on a disk, waiting for commits and removing files is a sixth
# of the tests' processor time.
_MEMORY, _ROOM = "/dev/shm", 2 * 2**30
if "TMPDIR" not in os.environ and _is_roomy(_MEMORY):
    # Python keeps the folder that it found first, and pytest has asked by now.
    os.environ["TMPDIR"] = tempfile.tempdir = _MEMORY

_WHOLLY_THOROUGH = "\npytestmark = pytest.mark.thorough\n"

# Thousands of waiters have a connection each, at both ends; a login shell may have 1,024.
_FILES = 20_000
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
if _soft != resource.RLIM_INFINITY and _soft < _FILES:
    _most = _FILES if _hard == resource.RLIM_INFINITY else min(_FILES, _hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_most, _hard))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many workers again as processors: tests also wait, for servers and for disks."""
    processors = os.cpu_count() or 1
    return processors + (processors + 1) // 2


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Send the messages of `--reruns` without delay.

    For each test a worker sends the controller two small messages, and Nagle's algorithm can hold
    the second for 40 ms.
    """
    connection = getattr(getattr(config, "failures_db", None), "sock", None)
    if connection is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedServers:
    """Let tests that share a server share a worker."""
    return SharedServers(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out modules that `make test` runs nothing of: importing them takes each worker long."""
    if config.option.markexpr != "not thorough" or collection_path.suffix != ".py":
        return None
    return _WHOLLY_THOROUGH in collection_path.read_text() or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave PostgreSQL to `make test-thorough`, but for tests of what is about SQL itself.

    What `any_database` says to be about no database runs on SQLite alone. Of a test with several
    cases one runs on PostgreSQL, another in each run: cases differ in values, and their SQL is the
    same.
    """
    on_postgresql: set[str] = set()
    further: list[pytest.Item] = []
    for item in items:
        call = getattr(item, "callspec", None)
        is_twin = call is not None and call.params.get("database_kind") == "postgresql"
        if is_twin and item.get_closest_marker("sql") is None:
            item.add_marker(pytest.mark.thorough)
            test = item.nodeid.partition("[")[0]
            if test in on_postgresql or item.get_closest_marker("any_database"):
                further.append(item)
            on_postgresql.add(test)
    if further:
        config.hook.pytest_deselected(items=further)
        left_out = set(further)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what is there now: tests throw nothing of it away.

    And let it pass seldom: with Python's threshold it takes a tenth of the tests' time. The little
    garbage of collecting stays: finding it would take each worker half a second.
    """
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    gc.enable()


@pytest.fixture(autouse=True)
def own_umask() -> Iterator[None]:
    """Let no test leave its umask to the next: commands that run in this process set theirs."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis, for the whole session."""
    with redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL, for the whole session."""
    with postgres_server() as url:
        yield url


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A SUREHAND_HOME of the test's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def sqlite_url(home: Path) -> str:
    """A SQLite database of the test's own."""
    return f"sqlite+aiosqlite:///{home / 'test.db'}"


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """A PostgreSQL database of the test's own."""
    with postgres_database(postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each test that asks runs on SQLite, and on PostgreSQL too.

    `make test` runs on PostgreSQL only tests marked `sql`, and nothing does those marked
    `any_database`.
    """
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str) -> str:
    """An empty database of each kind."""
    name = "sqlite_url" if database_kind == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that what starts after it exports its spans to."""
    with collecting() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.endpoint)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        yield running


@pytest.fixture
def keys(home: Path) -> Keys:
    """Keys that issue the test's tokens."""
    folder = Keys(home / "keys")
    folder.ensure()
    return folder


@pytest.fixture
def common(home: Path, keys: Keys, redis_url: str) -> CommonSettings:
    """Settings common to the services under test, with prompt polling."""
    return common_settings(home, keys, redis_url)
