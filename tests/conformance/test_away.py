"""The same requests while what the services need is away: 503, or an answer, never a fault of ours.

The database is stopped at once; the store is made read-only by a mount, else by its modes.
"""

import asyncio
import signal
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from hypothesis import strategies as st

from tests.conformance.conftest import PROJECT, SPEC, fill
from tests.conformance.drawing import (
    UNAVAILABLE,
    AnyCase,
    cases,
    conforms,
    operations_of,
    told_together,
)
from tests.conformance.known import Known
from tests.graphs import text_model
from tests.harness.disks import read_only
from tests.harness.installation import SERVICES, Launched, launch
from tests.harness.powers import without_powers
from tests.harness.servers import postgres_server
from tests.integration.trainer.uploads.test_uploads import parts

pytestmark = pytest.mark.thorough

EXAMPLES = 2


Drawn = list[tuple[Any, st.SearchStrategy[AnyCase]]]


def requests_of(installation: Launched) -> Drawn:
    """Each operation of each service, with the requests that are drawn for it."""
    known = Known(installation)
    return [
        (operation, cases(operation, known))
        for service in SERVICES
        for operation in operations_of(service, installation)
    ]


def tries_all(installation: Launched, operations: Drawn) -> None:
    """Send requests to each operation of each service while something is away."""
    token = installation.token("operator")
    with told_together("An installation with something away") as trying:
        for operation, drawn in operations:
            with trying(operation):
                conforms(drawn, st.just(token), EXAMPLES, is_healthy=False)


def operator(installation: Launched, service: str) -> httpx.Client:
    """Return a client of a service with the operator's token."""
    headers = {"Authorization": f"Bearer {installation.token('operator')}"}
    address = installation.address(service)
    return httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=60)


def stop(database_url: str) -> None:
    """Stop PostgreSQL at once, for good."""
    port = database_url.rpartition(":")[2].partition("/")[0]
    for process in psutil.Process().children():
        if {"-p", port} <= set(process.cmdline()):
            process.send_signal(signal.SIGQUIT)
            process.wait(30)


def check_unavailable(answer: httpx.Response) -> None:
    """Check that the answer is the 503 of an outage, and says when to come again."""
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
    assert answer.json()["type"] == UNAVAILABLE
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.timeout(600)
def test_with_a_read_only_store_and_then_a_stopped_database_nothing_fails_undeclared(
    tmp_path: Path,
) -> None:
    with postgres_server() as url:
        home, other = tmp_path / "home", url.replace("/postgres", "/template1")
        with launch(
            home,
            without_powers(),
            SUREHAND_REVIEW_QUEUE_DATABASE_URL=url,
            SUREHAND_TRAINER_DATABASE_URL=other,
        ) as launched:
            asyncio.run(fill(launched))
            with operator(launched, "review_queue") as queue:
                assert queue.put("/v1/projects/other", json=SPEC).is_success
            operations = requests_of(launched)
            with read_only(home / "store"):
                tries_all(launched, operations)
                check_writes_of_store(launched)
            stop(url)
            tries_all(launched, operations)
            check_reads_of_database(launched)


def check_writes_of_store(launched: Launched) -> None:
    """Check the routes that write the store, and one that writes the database alone."""
    with operator(launched, "review_queue") as queue:
        check_unavailable(queue.put("/v1/projects/new", json=SPEC))
        check_unavailable(queue.put("/v1/projects/other", json={**SPEC, "title": "Other"}))
    with operator(launched, "trainer") as trainer:
        check_unavailable(trainer.post("/v1/projects/other/versions", files=parts(text_model())))
        pool = b'{"data": {"text": "fine"}}'
        headers = {"Content-Type": "application/x-ndjson"}
        imported = trainer.post("/v1/projects/other/pool", content=pool, headers=headers)
        assert imported.status_code == httpx.codes.OK, imported.text


def check_reads_of_database(launched: Launched) -> None:
    """Check a route of each service that reads its database."""
    for service, path in (("review_queue", "tasks"), ("trainer", "runs")):
        with operator(launched, service) as client:
            check_unavailable(client.get(f"{PROJECT}/{path}"))
