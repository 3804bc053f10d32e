"""Two trainers on one database and one store: one writes, and a paused one writes no more."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from services.trainer.documents.service import Documents
from services.trainer.registry import service
from services.trainer.resources import Resources, open_resources
from services.trainer.settings import TrainerSettings
from services.trainer.tables import ProjectLease
from services.trainer.writer_lease.owners import is_gone, owner_name
from services.trainer.writer_lease.service import Leases
from shared.contracts.base import utc_now
from shared.contracts.versions import Channels
from shared.problems import Unavailable
from shared.settings import CommonSettings
from shared.store import Store, channels_path
from tests.harness import wait_until
from tests.harness.clock import Clock
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

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
    parts: TrainerParts, database_url: str, clock: Clock | None = None
) -> AsyncIterator[Resources]:
    """Open another trainer on the parts's database and store."""
    resources = open_resources(
        parts.resources.common, TrainerSettings(database_url=database_url), clock or parts.clock
    )
    async with resources.bells.listening():
        yield resources
    await resources.close()


@contextlib.asynccontextmanager
async def two_versions(common: CommonSettings, database_url: str) -> AsyncIterator[TrainerParts]:
    """A trainer with v1, the champion, and v2."""
    async with open_trainer_parts(common, database_url, training={"auto_promote": False}) as parts:
        for n in range(2):
            await parts.label(range(1000 + 60 * n, 1060 + 60 * n), truth)
            await parts.publish_version()
        yield parts


async def promote(parts: TrainerParts, resources: Resources, version: str) -> Channels:
    """Promote at one of the trainers."""
    return await service.promote(resources, parts.project, version, "op")


async def test_a_second_trainer_stands_by_and_takes_over_when_the_lease_ends(
    common: CommonSettings, database_url: str
) -> None:
    async with (
        two_versions(common, database_url) as parts,
        second_trainer(parts, database_url) as second,
    ):
        before = await parts.channels()
        assert await second.leases.hold(PROJECT) is None
        assert second.leases.facts() == {
            "trainer": second.owner,
            "works_for": [],
            "stands_by_for": {PROJECT: parts.resources.owner},
        }
        parts.clock.advance(seconds=16)
        after = await promote(parts, second, "v2")
        assert (after.champion, after.writer) == ("v2", before.writer + 1)
        assert not after.order.is_older_than(before.order)
        assert second.leases.facts()["works_for"] == [PROJECT]
        assert await parts.resources.leases.hold(PROJECT) is None


async def test_a_trainer_that_stops_gives_its_projects_back_at_once(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with (
        two_versions(common, sqlite_url) as parts,
        second_trainer(parts, sqlite_url) as second,
    ):
        await parts.resources.leases.release()
        assert await second.leases.hold(PROJECT) is not None


@pytest.mark.thorough
async def test_a_change_at_the_second_trainer_is_published_by_the_first(
    common: CommonSettings, database_url: str
) -> None:
    async with (
        two_versions(common, database_url) as parts,
        second_trainer(parts, database_url) as second,
    ):
        change = asyncio.create_task(promote(parts, second, "v2"))

        async def recorded_and_published() -> bool:
            await parts.resources.documents.sync(PROJECT)
            return change.done()

        await wait_until(recorded_and_published)
        assert (await change).champion == "v2"
        assert (await change).writer == 1
        assert await change == await parts.channels()


async def test_a_change_that_the_first_trainer_does_not_publish_is_told_as_recorded(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with two_versions(common, sqlite_url) as parts:
        tools = parts.resources
        leases = Leases(tools.database, owner_name(), 0.3, tools.now)
        documents = Documents(
            tools.database, tools.store, tools.projects, tools.bells, leases, tools.now
        )
        second = replace(tools, leases=leases, documents=documents)
        with pytest.raises(Unavailable, match="recorded"):
            await promote(parts, second, "v2")
        await tools.documents.sync(PROJECT)
        assert (await parts.channels()).champion == "v2"


async def test_a_trainer_that_does_not_know_that_it_lost_its_lease_writes_nothing(
    common: CommonSettings, database_url: str
) -> None:
    async with (
        two_versions(common, database_url) as parts,
        second_trainer(parts, database_url, clock := Clock(utc_now())) as second,
    ):
        clock.advance(seconds=20)
        taken = await promote(parts, second, "v2")
        # By its own clock the first one still has it.
        await parts.set_champion_by_hand("v1")
        await parts.resources.documents.sync(PROJECT)
        assert await parts.channels() == taken
        assert parts.resources.leases.facts()["works_for"] == []


async def test_a_write_of_a_trainer_that_was_paused_in_it_is_lost(
    common: CommonSettings, database_url: str
) -> None:
    async with (
        two_versions(common, database_url) as parts,
        second_trainer(parts, database_url, clock := Clock(utc_now())) as second,
    ):
        tools = parts.resources
        store = GatedStore(common.store_url)
        paused = Documents(
            tools.database, store, tools.projects, tools.bells, tools.leases, tools.now
        )
        await paused.sync(PROJECT)
        store.gate.clear()
        await parts.set_champion_by_hand("v2")
        write = asyncio.create_task(paused.sync(PROJECT))
        await wait_until(lambda: store.waiting)
        clock.advance(seconds=20)
        taken = await promote(parts, second, "v1")
        store.gate.set()
        await write
        assert await parts.channels() == taken


async def test_the_lease_of_a_process_that_is_gone_is_free_at_once(
    common: CommonSettings, sqlite_url: str
) -> None:
    machine = owner_name().split(":")[0]
    async with two_versions(common, sqlite_url) as parts:
        for owner, is_free in ((f"{machine}:{2**22 - 1}:x", True), ("elsewhere/1:1:x", False)):
            async with parts.resources.database.transaction() as session:
                lease = await session.get_one(ProjectLease, PROJECT)
                lease.owner = owner
                lease.expires_at = parts.clock.moment + timedelta(seconds=15)
            async with second_trainer(parts, sqlite_url) as second:
                assert (await second.leases.hold(PROJECT) is not None) is is_free


async def test_a_lease_from_a_clock_that_was_ahead_is_free(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with two_versions(common, sqlite_url) as parts:
        for seconds, is_free in ((329, False), (331, True)):
            async with parts.resources.database.transaction() as session:
                lease = await session.get_one(ProjectLease, PROJECT)
                lease.owner = "elsewhere/1:1:x"
                lease.expires_at = parts.clock.moment + timedelta(seconds=seconds)
            async with second_trainer(parts, sqlite_url) as second:
                assert (await second.leases.hold(PROJECT) is not None) is is_free


def test_a_trainer_in_this_process_is_not_taken_for_a_former_one() -> None:
    mine = owner_name()
    assert not is_gone(mine)
    assert is_gone(f"{mine.rsplit(':', 1)[0]}:former")


@pytest.mark.thorough
async def test_channels_only_ever_move_on_in_the_store(
    common: CommonSettings, database_url: str
) -> None:
    """Both promote, and the lease changes hands again and again under them."""
    async with (
        two_versions(common, database_url) as parts,
        second_trainer(parts, database_url) as second,
    ):
        store, seen, done = parts.resources.store, [], False

        async def watch() -> None:
            while not done:
                found = await store.read_document(channels_path(PROJECT), Channels)
                assert found is not None
                seen.append(found.order)
                await asyncio.sleep(0)

        async def promote_often(resources: Resources) -> None:
            for n in range(15):
                parts.clock.advance(seconds=16)
                with contextlib.suppress(Unavailable):
                    await promote(parts, resources, f"v{1 + n % 2}")

        watching = asyncio.create_task(watch())
        await asyncio.gather(promote_often(parts.resources), promote_often(second))
        done = True
        await watching
        assert len({order.writer for order in seen}) > 2
        assert all(not b.is_older_than(a) for a, b in itertools.pairwise(seen))
