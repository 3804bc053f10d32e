"""Two trainers on one database and one store: one writes, and a paused one writes no more."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from services.trainer.app import open_resources
from services.trainer.documents.service import Documents
from services.trainer.registry import service
from services.trainer.resources import Resources
from services.trainer.settings import TrainerSettings
from services.trainer.tables import ProjectLease
from services.trainer.writer_lease.owners import is_gone, owner_name
from services.trainer.writer_lease.service import Leases
from shared.contracts.versions import Channels
from shared.problems import Unavailable
from shared.settings import CommonSettings
from shared.store import Store, channels_path
from tests.harness import wait_until
from tests.integration.trainer.bench import Bench, Clock, open_bench
from tests.integration.trainer.world import PROJECT, truth

pytestmark = pytest.mark.sql


class GatedStore(Store):
    """A store that replaces nothing while its gate is shut."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = False

    async def replace(self, path: str, body: bytes, tag: str | None) -> str | None:
        self.waiting = True
        await self.gate.wait()
        return await super().replace(path, body, tag)


@contextlib.asynccontextmanager
async def second_trainer(
    bench: Bench, database_url: str, clock: Clock | None = None
) -> AsyncIterator[Resources]:
    """Open another trainer on the bench's database and store."""
    resources = open_resources(
        bench.resources.common, TrainerSettings(database_url=database_url), clock or bench.clock
    )
    async with resources.bells.listening():
        yield resources
    await resources.close()


@contextlib.asynccontextmanager
async def two_versions(common: CommonSettings, database_url: str) -> AsyncIterator[Bench]:
    """A trainer with v1, the champion, and v2."""
    async with open_bench(common, database_url, training={"auto_promote": False}) as bench:
        for n in range(2):
            await bench.label(range(1000 + 60 * n, 1060 + 60 * n), truth)
            await bench.publish_version()
        yield bench


async def promote(bench: Bench, resources: Resources, version: str) -> Channels:
    """Promote at one of the trainers."""
    return await service.promote(resources, bench.project, version)


async def test_a_second_trainer_stands_by_and_takes_over_when_the_lease_ends(
    common: CommonSettings, database_url: str
) -> None:
    async with (
        two_versions(common, database_url) as bench,
        second_trainer(bench, database_url) as second,
    ):
        before = await bench.channels()
        assert await second.leases.hold(PROJECT) is None
        assert second.leases.facts() == {
            "trainer": second.owner,
            "works_for": [],
            "stands_by_for": {PROJECT: bench.resources.owner},
        }
        bench.clock.pass_time(seconds=16)
        after = await promote(bench, second, "v2")
        assert (after.champion, after.writer) == ("v2", before.writer + 1)
        assert not after.order.is_older_than(before.order)
        assert second.leases.facts()["works_for"] == [PROJECT]
        assert await bench.resources.leases.hold(PROJECT) is None


async def test_a_trainer_that_stops_gives_its_projects_back_at_once(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with (
        two_versions(common, sqlite_url) as bench,
        second_trainer(bench, sqlite_url) as second,
    ):
        await bench.resources.leases.release()
        assert await second.leases.hold(PROJECT) is not None


async def test_a_change_at_the_second_trainer_is_published_by_the_first(
    common: CommonSettings, database_url: str
) -> None:
    async with (
        two_versions(common, database_url) as bench,
        second_trainer(bench, database_url) as second,
    ):
        change = asyncio.create_task(promote(bench, second, "v2"))

        async def recorded_and_published() -> bool:
            await bench.resources.documents.sync(PROJECT)
            return change.done()

        await wait_until(recorded_and_published)
        assert (await change).champion == "v2"
        assert (await change).writer == 1
        assert await change == await bench.channels()


async def test_a_change_that_the_first_trainer_does_not_publish_is_told_as_recorded(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with two_versions(common, sqlite_url) as bench:
        tools = bench.resources
        leases = Leases(tools.database, owner_name(), 0.3, tools.now)
        documents = Documents(
            tools.database, tools.store, tools.projects, tools.bells, leases, tools.now
        )
        second = replace(tools, leases=leases, documents=documents)
        with pytest.raises(Unavailable, match="recorded"):
            await promote(bench, second, "v2")
        await tools.documents.sync(PROJECT)
        assert (await bench.channels()).champion == "v2"


async def test_a_trainer_that_does_not_know_that_it_lost_its_lease_writes_nothing(
    common: CommonSettings, database_url: str
) -> None:
    async with (
        two_versions(common, database_url) as bench,
        second_trainer(bench, database_url, clock := Clock()) as second,
    ):
        clock.pass_time(seconds=20)
        taken = await promote(bench, second, "v2")
        # By its own clock the first one still has it.
        await bench.set_champion_by_hand("v1")
        await bench.resources.documents.sync(PROJECT)
        assert await bench.channels() == taken
        assert bench.resources.leases.facts()["works_for"] == []


async def test_a_write_of_a_trainer_that_was_paused_in_it_is_lost(
    common: CommonSettings, database_url: str
) -> None:
    async with (
        two_versions(common, database_url) as bench,
        second_trainer(bench, database_url, clock := Clock()) as second,
    ):
        tools = bench.resources
        store = GatedStore(common.store_url)
        paused = Documents(
            tools.database, store, tools.projects, tools.bells, tools.leases, tools.now
        )
        await paused.sync(PROJECT)
        store.gate.clear()
        await bench.set_champion_by_hand("v2")
        write = asyncio.create_task(paused.sync(PROJECT))
        await wait_until(lambda: store.waiting)
        clock.pass_time(seconds=20)
        taken = await promote(bench, second, "v1")
        store.gate.set()
        await write
        assert await bench.channels() == taken


async def test_the_lease_of_a_process_that_is_gone_is_free_at_once(
    common: CommonSettings, sqlite_url: str
) -> None:
    machine = owner_name().split(":")[0]
    async with two_versions(common, sqlite_url) as bench:
        for owner, is_free in ((f"{machine}:{2**22 - 1}:x", True), ("elsewhere/1:1:x", False)):
            async with bench.resources.database.transaction() as session:
                lease = await session.get_one(ProjectLease, PROJECT)
                lease.owner = owner
                lease.expires_at = bench.clock.moment + timedelta(seconds=15)
            async with second_trainer(bench, sqlite_url) as second:
                assert (await second.leases.hold(PROJECT) is not None) is is_free


async def test_a_lease_from_a_clock_that_was_ahead_is_free(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with two_versions(common, sqlite_url) as bench:
        for seconds, is_free in ((329, False), (331, True)):
            async with bench.resources.database.transaction() as session:
                lease = await session.get_one(ProjectLease, PROJECT)
                lease.owner = "elsewhere/1:1:x"
                lease.expires_at = bench.clock.moment + timedelta(seconds=seconds)
            async with second_trainer(bench, sqlite_url) as second:
                assert (await second.leases.hold(PROJECT) is not None) is is_free


def test_a_trainer_in_this_process_is_not_taken_for_a_former_one() -> None:
    mine = owner_name()
    assert not is_gone(mine)
    assert is_gone(f"{mine.rsplit(':', 1)[0]}:former")


async def test_channels_only_ever_move_on_in_the_store(
    common: CommonSettings, database_url: str
) -> None:
    """Both promote, and the lease changes hands again and again under them."""
    async with (
        two_versions(common, database_url) as bench,
        second_trainer(bench, database_url) as second,
    ):
        store, seen, done = bench.resources.store, [], False

        async def watch() -> None:
            while not done:
                found = await store.read_document(channels_path(PROJECT), Channels)
                assert found is not None
                seen.append(found.order)
                await asyncio.sleep(0)

        async def promote_often(resources: Resources) -> None:
            for n in range(15):
                bench.clock.pass_time(seconds=16)
                with contextlib.suppress(Unavailable):
                    await promote(bench, resources, f"v{1 + n % 2}")

        watching = asyncio.create_task(watch())
        await asyncio.gather(promote_often(bench.resources), promote_often(second))
        done = True
        await watching
        assert len({order.writer for order in seen}) > 2
        assert all(not b.is_older_than(a) for a, b in itertools.pairwise(seen))
