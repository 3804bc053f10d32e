"""Full disks under load, then freed: nothing restarts, nothing is lost, readiness tells it."""

import sqlite3
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pytest

from shared.auth import Keys
from tests.e2e.faults.load import Load, load_on
from tests.e2e.faults.site import SERVICES, Site, running_site
from tests.harness import client, wait_until

pytestmark = pytest.mark.thorough

# Generous: the machine may be busy with other tests.
PATIENT = 180.0
_LOGGED = {
    "router": "/v1/projects/shop/model",
    "review_queue": "/v1/projects/shop/tasks",
    "trainer": "/v1/projects/shop/runs",
}


async def until_told(site: Site, told: Mapping[str, Collection[str]]) -> None:
    """Wait until each service serves and names at least these parts as degraded."""

    def is_told(found: Mapping[str, set[str]]) -> bool:
        return all(set(parts) <= found[service] for service, parts in told.items())

    await _until(site, is_told, f"told: {told}")


async def until_well(site: Site, but: Collection[str] = ()) -> None:
    """Wait until no service names any part but these."""
    await _until(site, lambda found: all(parts <= set(but) for parts in found.values()), "well")


async def _until(site: Site, is_so: Callable[[Mapping[str, set[str]]], bool], awaited: str) -> None:
    found: dict[str, set[str]] = {}

    async def looked() -> bool:
        for service in SERVICES:
            status, found[service] = await site.readiness(service)
            assert status == 200, (service, status)
        return is_so(found)

    try:
        await wait_until(looked, PATIENT)
    except AssertionError as error:
        raise AssertionError(f"never {awaited}; last: {found}") from error


async def until_more_is_accepted(load: Load) -> None:
    decisions, verdicts = load.decisions, len(load.verdicts)
    await wait_until(
        lambda: load.decisions >= decisions + 10 and len(load.verdicts) >= verdicts + 2, PATIENT
    )


async def check_refusals_are_answered(site: Site) -> None:
    """Each refusal is logged, more than a page of the log's disk in all; its answer must come."""
    for service, address in _LOGGED.items():
        async with client(site.processes[service].base_url, "no-token") as stranger:
            for _ in range(60):
                answer = await stranger.get(address)
                assert answer.status_code == 401


async def until_the_ledger_balances(site: Site, load: Load) -> None:
    """Each accepted item has its row, each task is there once, each verdict is the trainer's."""
    databases = site.disks["database"].folder

    def balance() -> bool:
        decisions = counted(databases / "trainer.db", "SELECT count(*) FROM ledger_rows")
        tasks = column(databases / "queue.db", "SELECT item_id FROM tasks")
        known = column(
            databases / "trainer.db", "SELECT item_id FROM outcomes WHERE label IS NOT NULL"
        )
        resolved = column(
            databases / "queue.db", "SELECT item_id FROM tasks WHERE state = 'resolved'"
        )
        assert len(tasks) == len(set(tasks))
        assert decisions <= load.decisions
        return (
            decisions == load.decisions
            and load.tasks <= set(tasks)
            and load.verdicts <= set(resolved)
            and set(known) == set(resolved)
        )

    await wait_until(balance, PATIENT)
    rows = column(databases / "trainer.db", "SELECT decision FROM ledger_rows")
    assert rows.count("answered") == load.answers
    assert counted(databases / "queue.db", "SELECT count(*) FROM outbox") == 0


def column(database: Path, query: str) -> list[str]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as connection:
        return [row[0] for row in connection.execute(query)]


def counted(database: Path, query: str) -> int:
    return int(column(database, query)[0])


async def log_is_full(site: Site, load: Load) -> None:
    site.fill("log")
    await check_refusals_are_answered(site)
    await until_told(site, {service: ["log"] for service in SERVICES})
    if site.is_separate:
        # It stays full until the end: no fault of the other disks may hang on a line about it.
        await until_more_is_accepted(load)
    else:
        site.disks["log"].free()


async def databases_and_spool_are_full(site: Site, load: Load) -> None:
    site.fill("database")
    parts = {
        "review_queue": ["database_writes"],
        "trainer": ["project shop"],
        "router": ["spool"],
    }
    await until_told(site, parts)
    accepted = load.decisions
    await wait_until(lambda: load.decisions > accepted, PATIENT)
    # Now tasks can be made durable nowhere: calls are refused, and no accepted one is lost.
    site.fill("home")
    await until_told(site, {"router": ["decision_log_disk", "spool_disk"]})
    refused = load.refused
    await wait_until(lambda: load.refused > refused + 5, PATIENT)
    site.disks["home"].free()
    site.disks["database"].free()


async def home_is_full(site: Site, load: Load) -> None:
    site.fill("home")
    await until_told(site, {"router": ["decision_log_disk"]})
    await until_more_is_accepted(load)
    site.disks["home"].free()


async def store_is_full(site: Site, load: Load) -> None:
    site.fill("store")
    parts = {"router": ["decision_log"], "review_queue": ["store"], "trainer": ["store"]}
    await until_told(site, parts)
    if site.is_separate:
        await until_more_is_accepted(load)
    site.disks["store"].free()


@pytest.mark.timeout(900)
async def test_full_disks_under_load_lose_nothing_and_need_no_restart(
    tmp_path: Path, keys: Keys, redis_url: str
) -> None:
    async with running_site(tmp_path / "disks", keys, redis_url) as site:
        await until_well(site)
        pids = site.pids()
        async with load_on(site) as load:
            await until_more_is_accepted(load)
            await log_is_full(site, load)
            for fault in (databases_and_spool_are_full, home_is_full, store_is_full):
                await fault(site, load)
                await until_well(site, but=["log"])
                await until_more_is_accepted(load)
            site.disks["log"].free()
            await until_well(site)
        await until_the_ledger_balances(site, load)
        assert site.pids() == pids
        assert all(process.process.poll() is None for process in site.processes.values())
