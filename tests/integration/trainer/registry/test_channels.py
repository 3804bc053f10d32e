"""The channels beside the champion: who may be challenger or shadow, and how that ends."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from obstore.exceptions import BaseError

from services.trainer.documents.service import Documents
from services.trainer.projects.channels import make_challenger
from services.trainer.projects.repository import lock_state
from services.trainer.registry import service
from services.trainer.registry.messages import CanaryRequest
from shared.contracts.versions import Challenger
from shared.doorbells import versions_bell
from shared.problems import Conflict, NotFound
from shared.settings import CommonSettings
from shared.store import promise_path
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

pytestmark = pytest.mark.any_database


@contextlib.asynccontextmanager
async def versions(
    common: CommonSettings, database_url: str, count: int = 2
) -> AsyncIterator[TrainerParts]:
    """A trainer with `count` versions, of which v1 is the champion."""
    async with open_trainer_parts(common, database_url, training={"auto_promote": False}) as parts:
        for n in range(count):
            await parts.label(range(1000 + 60 * n, 1060 + 60 * n), truth)
            await parts.publish_version()
        yield parts


async def canary(parts: TrainerParts, version: str | None, share: float) -> Challenger | None:
    """Set the challenger; return the one that channels.json names."""
    request = CanaryRequest(version=version, share=share)
    channels = await service.canary(parts.resources, parts.project, request, "op")
    assert channels == await parts.channels()
    return channels.challenger


async def channels_of(parts: TrainerParts, version: str) -> list[str]:
    """Return the channels that the API names for a version."""
    return [*(await service.describe(parts.resources, parts.project, version)).channels]


async def test_a_canary_begins_changes_and_ends(common: CommonSettings, database_url: str) -> None:
    async with versions(common, database_url) as parts:
        with parts.resources.bells.hearing(versions_bell(PROJECT)) as rung:
            assert await canary(parts, "v2", 0.05) == Challenger(version="v2", share=0.05)
            assert rung.is_set()
        assert await channels_of(parts, "v2") == ["challenger"]
        # Its entry was there before: uncertified, so its share goes to people.
        assert (await parts.promise()).versions["v2"].state == "uncertified"
        assert await canary(parts, "v2", 0.5) == Challenger(version="v2", share=0.5)
        assert await canary(parts, "v2", 0.0) is None
        assert await canary(parts, "v2", 1.0) == Challenger(version="v2", share=1.0)
        assert await canary(parts, None, 0.0) is None
        assert await canary(parts, None, 0.0) is None
        assert await channels_of(parts, "v2") == []
        assert await channels_of(parts, "v1") == ["champion"]


async def test_a_shadow_begins_and_ends(common: CommonSettings, database_url: str) -> None:
    async with versions(common, database_url, 3) as parts:
        tools, project = parts.resources, parts.project
        for _ in range(2):
            channels = await service.shadow(tools, project, "v2", "op")
            assert channels.shadow == ["v2"]
        assert (await service.shadow(tools, project, "v3", "op")).shadow == ["v2", "v3"]
        assert await channels_of(parts, "v3") == ["shadow"]
        assert (await service.end_shadow(tools, project, "v2", "op")).shadow == ["v3"]
        view = await service.retire(tools, project, "v3", "op")
        assert (view.channels, view.retired) == ([], True)
        assert (await parts.channels()).shadow == []
        assert set((await parts.promise()).versions) == {"v1", "v2"}


async def test_a_version_is_in_one_of_these_channels(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with versions(common, sqlite_url) as parts:
        tools, project = parts.resources, parts.project
        await service.shadow(tools, project, "v2", "op")
        await canary(parts, "v2", 0.1)
        assert await channels_of(parts, "v2") == ["challenger"]
        with pytest.raises(Conflict, match="end the canary"):
            await service.shadow(tools, project, "v2", "op")
        channels = await service.promote(tools, project, "v2", "op")
        assert (channels.champion, channels.previous, channels.challenger) == ("v2", "v1", None)
        # The one that was champion before may compete with the one that is.
        await canary(parts, "v1", 0.1)
        assert await channels_of(parts, "v1") == ["previous", "challenger"]
        channels = await service.roll_back(tools, project, "op")
        assert (channels.champion, channels.challenger) == ("v1", None)


async def test_a_retired_challenger_has_no_share_any_more(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with versions(common, sqlite_url) as parts:
        await canary(parts, "v2", 0.1)
        await service.retire(parts.resources, parts.project, "v2", "op")
        assert (await parts.channels()).challenger is None
        with pytest.raises(Conflict, match="retired"):
            await canary(parts, "v2", 0.1)
        with pytest.raises(Conflict, match="retired"):
            await service.shadow(parts.resources, parts.project, "v2", "op")


async def test_the_champion_and_the_unknown_do_not_compete(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with versions(common, sqlite_url) as parts:
        tools, project = parts.resources, parts.project
        before = await parts.channels()
        with pytest.raises(Conflict, match="champion"):
            await canary(parts, "v1", 0.1)
        with pytest.raises(Conflict, match="champion"):
            await service.shadow(tools, project, "v1", "op")
        with pytest.raises(NotFound):
            await canary(parts, "v9", 0.1)
        for change in (service.shadow, service.end_shadow):
            with pytest.raises(NotFound):
                await change(tools, project, "v9", "op")
        assert await parts.channels() == before


async def test_without_a_champion_there_is_nothing_to_compete_with(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with versions(common, sqlite_url) as parts:
        await parts.set_champion_by_hand(None)
        with pytest.raises(Conflict, match="no champion"):
            await canary(parts, "v2", 0.1)
        with pytest.raises(Conflict, match="no champion"):
            await service.shadow(parts.resources, parts.project, "v2", "op")


async def test_shadows_are_few(common: CommonSettings, sqlite_url: str) -> None:
    async with versions(common, sqlite_url) as parts:
        async with parts.resources.database.transaction() as session:
            state = await lock_state(session, PROJECT)
            state.shadow = ["a", "b", "c", "d"]
        with pytest.raises(Conflict, match="At most 4"):
            await service.shadow(parts.resources, parts.project, "v2", "op")


async def test_the_promise_is_written_before_the_channels_name_a_version(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with versions(common, sqlite_url) as parts:
        tools = parts.resources
        async with tools.database.transaction() as session:
            make_challenger(await lock_state(session, PROJECT), "v2", 0.1)
        # The store takes no promise: then the channels must not name the challenger either.
        await tools.store.delete(promise_path(PROJECT))
        await tools.store.write(f"{promise_path(PROJECT)}/in-the-way", b"")
        fresh = Documents(
            tools.database, tools.store, tools.projects, tools.bells, tools.leases, tools.now
        )
        with pytest.raises((BaseError, OSError)):
            await fresh.sync(PROJECT)
        assert (await parts.channels()).challenger is None
        await tools.store.delete(f"{promise_path(PROJECT)}/in-the-way")
        channels = await fresh.publish(PROJECT, 0.1)
        assert channels is not None
        assert channels.challenger == Challenger(version="v2", share=0.1)
        assert "v2" in (await parts.promise()).versions
