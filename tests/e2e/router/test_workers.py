"""Several workers on one port: they share the work, count together, and are kept alive."""

import asyncio
import contextlib
import socket
from pathlib import Path

import psutil
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from services.__main__ import main
from shared.store import Store
from tests.e2e.router.installation import PATIENT, Installation, decisions
from tests.harness import ServiceProcess, client, is_alive, wait_until
from tests.harness.model_publisher import SURE, UNSURE, Publisher, number_graph

pytestmark = pytest.mark.thorough

PREDICT = "/v1/projects/shop/predict"
TWO = {"SUREHAND_ROUTER_WORKERS": "2"}
OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def workers(router: ServiceProcess) -> dict[str, psutil.Process]:
    """Return the workers that run, by number."""
    found = {}
    for process in psutil.Process(router.process.pid).children():
        # One that has just been killed may still be there as a zombie.
        with contextlib.suppress(psutil.NoSuchProcess):
            line = process.cmdline()
            if "services.worker" in line:
                found[line[line.index("services.worker") + 2]] = process
    return found


async def both_run(router: ServiceProcess) -> None:
    await wait_until(lambda: router.log.read_text().count('"worker_started"') >= 2, PATIENT)


async def predicted(installation: Installation, item_id: str, score: float = SURE) -> str:
    """Predict one item on a connection of its own; return the decision."""
    body = {"items": [{"item_id": item_id, "data": {"score": score}}]}
    async with installation.caller() as caller:
        answer = await caller.post(PREDICT, json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["predictions"][0]["decision"])


async def counted(router: ServiceProcess, name: str) -> set[float]:
    """Return what several scrapes, each on a connection of its own, say of a metric."""
    said = set()
    for _ in range(8):
        async with client(router.base_url) as stranger:
            lines = (await stranger.get("/metrics")).text.splitlines()
        said.add(sum(float(line.split()[-1]) for line in lines if line.startswith(name)))
    return said


async def test_workers_share_the_port_and_add_up_what_they_count_in_a_folder_that_they_remove(
    installation: Installation, tmp_path: Path
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    await installation.publish_alone()
    async with installation.router(TMPDIR=str(folder), **TWO) as router:
        await both_run(router)
        assert len(list(folder.glob("surehand-metrics-*"))) == 1
        for n in range(24):
            assert await predicted(installation, f"sure-{n}") == "answered"
        for n in range(24):
            assert await predicted(installation, f"unsure-{n}", UNSURE) == "in_review"
        assert await counted(router, "surehand_router_decisions_total") == {48.0}
        assert await counted(router, "surehand_router_spool_entries") == {24.0}
        # Each has written into a slot of its own.
        spools = list((installation.home / "spool").glob("*/[0-9]*.jsonl"))
        assert {path.parent.name for path in spools} == {"0", "1"}
        assert await asyncio.to_thread(router.stop, PATIENT) == 0
    assert list(folder.glob("surehand-metrics-*")) == []
    assert len(await decisions(installation.home)) == 48


async def test_workers_show_what_they_hold_and_no_longer_what_they_held(
    installation: Installation,
) -> None:
    publisher = Publisher(Store((installation.home / "store").resolve().as_uri()))
    await publisher.put_project()
    await publisher.publish("v1")
    async with installation.router(**TWO) as router:
        await both_run(router)
        held = "surehand_router_version_info{"

        async def shown() -> set[str]:
            async with client(router.base_url) as stranger:
                answer = await stranger.get("/metrics", headers=OPEN_METRICS)
            families = text_string_to_metric_families(answer.text)
            return {
                sample.labels["version"]
                for family in families
                for sample in family.samples
                if sample.name == "surehand_router_version_info"
            }

        async def one() -> bool:
            return await shown() == {"v1"}

        async def other() -> bool:
            return await shown() == {"v2"}

        async def once() -> bool:
            return await counted(router, held) == {1.0}

        await wait_until(one, PATIENT)
        await publisher.publish("v2", number_graph(2.0))
        await wait_until(other, PATIENT)
        await wait_until(once, PATIENT)


async def test_a_killed_worker_is_replaced_and_what_it_counted_and_kept_stays(
    installation: Installation,
) -> None:
    await installation.publish_alone()
    async with installation.router(**TWO) as router:
        await both_run(router)
        for n in range(24):
            await predicted(installation, f"before-{n}", UNSURE)
        killed = workers(router)["1"]
        killed.kill()
        await wait_until(lambda: workers(router).get("1", killed).pid != killed.pid, PATIENT)
        await wait_until(lambda: router.log.read_text().count('"worker_started"') == 3, PATIENT)
        for n in range(8):
            await predicted(installation, f"after-{n}", UNSURE)
        assert await counted(router, "surehand_router_decisions_total") == {32.0}

        async def adopted() -> bool:
            return await counted(router, "surehand_router_spool_entries") == {32.0}

        await wait_until(adopted, PATIENT)
        assert await asyncio.to_thread(router.stop, PATIENT) == 0
    assert len(await decisions(installation.home)) == 32


async def test_a_worker_whose_event_loop_stands_still_is_replaced_and_loses_no_task(
    installation: Installation,
) -> None:
    await installation.publish_alone()
    async with installation.router(**TWO, SUREHAND_HANG_SECONDS="10") as router:
        await both_run(router)
        for n in range(16):
            await predicted(installation, f"before-{n}", UNSURE)
        hanging = workers(router)["1"]
        hanging.suspend()
        await wait_until(lambda: workers(router).get("1", hanging).pid != hanging.pid, PATIENT)
        await wait_until(lambda: router.log.read_text().count('"worker_started"') == 3, PATIENT)
        assert '"child_hangs"' in router.log.read_text()

        async def adopted() -> bool:
            return await counted(router, "surehand_router_spool_entries") == {16.0}

        await wait_until(adopted, PATIENT)
        assert await asyncio.to_thread(router.stop, PATIENT) == 0
    assert installation.spooled() == 16


async def test_workers_do_not_outlive_a_parent_that_is_killed(installation: Installation) -> None:
    await installation.publish_alone()
    async with installation.router(**TWO) as router:
        await both_run(router)
        running = list(workers(router).values())
        assert len(running) == 2
        router.kill()
        await wait_until(lambda: not any(map(is_alive, running)), PATIENT)


@pytest.mark.parametrize("shared", [False, True])
async def test_a_busy_port_stops_the_start_with_one_sentence(
    installation: Installation, shared: bool
) -> None:
    with socket.socket() as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        busy.bind(("127.0.0.1", installation.router_port))
        busy.listen()
        async with installation.router(health=None, **TWO) as router:
            assert await asyncio.to_thread(router.process.wait, PATIENT) == 2
            said = router.log.read_text().strip()
    assert said.count("\n") == 0
    assert "SUREHAND_ROUTER_PORT" in said


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"SUREHAND_SECRET": ""}, "SUREHAND_SECRET"), ({}, "NotADirectoryError")],
    ids=["wrong settings", "broken home"],
)
async def test_when_no_worker_can_start_the_parent_gives_up(
    installation: Installation, settings: dict[str, str], why: str
) -> None:
    (installation.home / "decisions").write_text("not a folder")
    async with installation.router(health=None, **TWO, **settings) as router:
        assert await asyncio.to_thread(router.process.wait, PATIENT) == 2
        said = router.log.read_text()
    assert said.splitlines()[-1].startswith("surehand: No worker of router could start")
    assert why in said


@pytest.mark.parametrize("count", ["0", "65", "many"])
def test_a_number_of_workers_that_cannot_be_is_refused(
    count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["router", "--workers", count]) == 2
    assert "SUREHAND_ROUTER_WORKERS" in capsys.readouterr().err
