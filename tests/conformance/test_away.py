"""The same requests while what the services need is away: 503, or an answer, never a fault of ours.

The store is made read-only by mounting it so, which root may do; the database is stopped at once.
"""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from hypothesis import strategies as st

from tests.conformance.conftest import fill
from tests.conformance.drawing import cases, conforms, operations_of, told_together
from tests.conformance.known import Known
from tests.harness.installation import SERVICES, Launched, launch
from tests.harness.servers import postgres_server

EXAMPLES = 2


def tries_all(installation: Launched, away: contextlib.AbstractContextManager[None]) -> None:
    """Send requests to each operation of each service while something is `away`."""
    known = Known(installation)
    token = installation.token("operator")
    with told_together("An installation with something away") as trying:
        operations = [
            (operation, cases(operation, known))
            for service in SERVICES
            for operation in operations_of(service, installation)
        ]
        with away:
            for operation, drawn in operations:
                with trying(operation):
                    conforms(drawn, st.just(token), EXAMPLES)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing be written to `folder`, not even by root."""
    done = subprocess.run(["mount", "--bind", folder, folder], check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.decode()}")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@contextlib.contextmanager
def stopped(database_url: str) -> Iterator[None]:
    """Stop PostgreSQL at once, for good."""
    port = database_url.rpartition(":")[2].partition("/")[0]
    for process in psutil.Process().children():
        if {"-p", port} <= set(process.cmdline()):
            process.send_signal(signal.SIGQUIT)
            process.wait(30)
    yield


@pytest.mark.timeout(600)
def test_with_a_store_that_is_read_only_nothing_fails_undeclared(tmp_path: Path) -> None:
    with launch(tmp_path / "home") as launched:
        asyncio.run(fill(launched))
        tries_all(launched, read_only(tmp_path / "home" / "store"))


@pytest.mark.timeout(600)
def test_with_the_database_stopped_nothing_fails_undeclared(tmp_path: Path) -> None:
    with postgres_server() as url:
        home, other = tmp_path / "home", url.replace("/postgres", "/template1")
        with launch(
            home, SUREHAND_REVIEW_QUEUE_DATABASE_URL=url, SUREHAND_TRAINER_DATABASE_URL=other
        ) as launched:
            asyncio.run(fill(launched))
            tries_all(launched, stopped(url))
            headers = {"Authorization": f"Bearer {launched.token('operator')}"}
            for service, path in (("review_queue", "tasks"), ("trainer", "runs")):
                answer = httpx.get(
                    f"{launched.address(service)}/v1/projects/shop/{path}",
                    headers=headers,
                    trust_env=False,
                )
                assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
                assert answer.json()["type"] == "urn:surehand:problem:unavailable"
