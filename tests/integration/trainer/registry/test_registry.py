"""Versions and channels: who may serve, and documents that crashes cannot leave behind."""

import pytest

from services.trainer.documents.service import Documents
from services.trainer.registry import service
from services.trainer.registry.service import NotCertified, NothingToRollBackTo
from services.trainer.tables import Version
from services.trainer.watch.lasting import renew_watch
from services.trainer.worker import Worker
from shared.contracts.versions import Manifest
from shared.doorbells import versions_bell
from shared.graphs.graph import Graph
from shared.problems import Conflict, NotFound
from shared.settings import CommonSettings
from shared.store import channels_path, manifest_path, model_path, promise_path, sha256
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts


async def _first(parts: TrainerParts, *, certified: bool = False) -> Version:
    """Publish v1, trained on half wrong labels unless it is to be certified."""
    if certified:
        await parts.import_reviews(range(100))
        await parts.label(range(1000, 1060), truth)
    else:
        await parts.label(
            range(1000, 1060),
            lambda data: "positive" if len(data["text"]) % 3 else "negative",
        )
    version = await parts.publish_version()
    if certified:
        await parts.step()
        parts.queue.answer(truth)
        await parts.step()
    return version


async def _second(parts: TrainerParts) -> Version:
    """Publish v2 on 120 right labels more."""
    await parts.label(range(2000, 2120), truth)
    return await parts.publish_version()


async def _fresh_documents(parts: TrainerParts) -> Documents:
    """The documents' writer of a trainer that has just started."""
    tools = parts.resources
    return Documents(
        tools.database, tools.store, tools.projects, tools.bells, tools.leases, tools.now
    )


async def test_first_version_serves_uncertified(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await _first(parts)
        channels, promise = await parts.channels(), await parts.promise()
        assert (channels.champion, channels.previous) == ("v1", None)
        assert [event.champion for event in channels.history] == ["v1"]
        assert promise.versions["v1"].state == "uncertified"
        assert promise.audit_rate == parts.project.promise.audit_rate
        store = parts.resources.store
        manifest = await store.read_document(manifest_path(PROJECT, "v1"), Manifest)
        model = await store.read(model_path(PROJECT, "v1"))
        assert manifest is not None
        assert model is not None
        assert manifest.model_sha256 == sha256(model)
        assert manifest.dataset_id is not None
        assert Graph(model, manifest, parts.project.fields).run([review(1)]).shape == (1, 2)


@pytest.mark.any_database
async def test_better_version_replaces_an_uncertified_champion(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await _first(parts)
        version = await _second(parts)
        assert version.gate["publication"]["promote"], version.gate
        channels = await parts.channels()
        assert (channels.champion, channels.previous) == ("v2", "v1")


async def test_without_auto_promote_only_a_call_moves_the_champion(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training={"auto_promote": False}) as parts:
        await _first(parts)
        await _second(parts)
        assert (await parts.channels()).champion == "v1"
        channels = await service.promote(parts.resources, parts.project, "v2", "op")
        assert channels.champion == "v2"
        assert channels == await parts.channels()


@pytest.mark.any_database
async def test_uncertified_version_cannot_replace_a_certified_champion(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await _first(parts, certified=True)
        await _second(parts)
        assert (await parts.channels()).champion == "v1"
        with pytest.raises(NotCertified) as refusal:
            await service.promote(parts.resources, parts.project, "v2", "op")
        assert refusal.value.status == 409
        assert (await parts.channels()).champion == "v1"


async def test_certified_version_replaces_a_certified_champion_of_equal_coverage(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await _first(parts, certified=True)
        await parts.import_reviews(range(100, 200))
        await _second(parts)
        await parts.step()
        parts.queue.answer(truth)
        await parts.step()
        promise, channels = await parts.promise(), await parts.channels()
        assert promise.versions["v2"].state == "certified"
        assert (channels.champion, channels.previous) == ("v2", "v1")


@pytest.mark.any_database
async def test_rollback_changes_places_and_obeys_the_same_rule(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await _first(parts)
        with pytest.raises(NothingToRollBackTo):
            await service.roll_back(parts.resources, parts.project, "op")
        await parts.import_reviews(range(100))
        await _second(parts)
        channels = await service.roll_back(parts.resources, parts.project, "op")
        assert (channels.champion, channels.previous) == ("v1", "v2")
        await service.roll_back(parts.resources, parts.project, "op")
        await parts.step()
        parts.queue.answer(truth)
        await parts.step()
        assert (await parts.promise()).versions["v2"].state == "certified"
        with pytest.raises(NotCertified):
            await service.roll_back(parts.resources, parts.project, "op")


async def test_expired_certificate_protects_its_champion_no_longer(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, promise={"expires_days": 1}) as parts:
        await _first(parts, certified=True)
        await _second(parts)
        parts.clock.advance(days=2)
        await parts.resources.documents.sync(PROJECT)
        assert (await parts.promise()).versions["v1"].state == "expired"
        channels = await service.promote(parts.resources, parts.project, "v2", "op")
        assert channels.champion == "v2"


async def test_retired_version_is_out_of_service_for_good(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await _first(parts)
        await _second(parts)
        with pytest.raises(Conflict):
            await service.retire(parts.resources, parts.project, "v2", "op")
        view = await service.retire(parts.resources, parts.project, "v1", "op")
        assert (view.retired, view.channels) == (True, [])
        assert set((await parts.promise()).versions) == {"v2"}
        assert (await parts.channels()).previous is None
        with pytest.raises(Conflict):
            await service.promote(parts.resources, parts.project, "v1", "op")
        with pytest.raises(NotFound):
            await service.promote(parts.resources, parts.project, "v9", "op")


@pytest.mark.thorough
async def test_crash_between_state_and_store_heals_at_the_next_start(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url, training={"auto_promote": False}) as parts:
        await _first(parts)
        await _second(parts)
        before = await parts.channels()
        await parts.set_champion_by_hand("v2")
        assert (await parts.channels()).champion == "v1"
        with parts.resources.bells.hearing(versions_bell(PROJECT)) as rung:
            await (await _fresh_documents(parts)).sync(PROJECT)
            assert rung.is_set()
        after = await parts.channels()
        assert after.champion == "v2"
        assert after.revision > before.revision


async def test_lost_and_unreadable_documents_are_written_again_with_higher_revisions(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await _first(parts)
        channels, promise = await parts.channels(), await parts.promise()
        await parts.resources.store.delete(promise_path(PROJECT))
        await parts.resources.store.write(channels_path(PROJECT), b"{")
        await (await _fresh_documents(parts)).sync(PROJECT)
        assert (await parts.promise()).revision > promise.revision
        assert (await parts.channels()).revision > channels.revision


async def test_revision_never_falls_behind_the_store(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await _first(parts)
        ahead = (await parts.promise()).model_copy(update={"revision": 70, "audit_rate": 0.9})
        await parts.resources.store.write_document(promise_path(PROJECT), ahead)
        await (await _fresh_documents(parts)).sync(PROJECT)
        assert (await parts.promise()).revision == 71


async def test_unchanged_state_writes_nothing(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await _first(parts)
        before = (await parts.promise()).revision, (await parts.channels()).revision
        for documents in (parts.resources.documents, await _fresh_documents(parts)):
            await documents.sync(PROJECT)
        assert before == ((await parts.promise()).revision, (await parts.channels()).revision)


async def test_promise_follows_the_projects_settings(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await _first(parts)
        await parts.put_project(promise={"audit_rate": 0.5})
        await parts.resources.documents.sync(PROJECT)
        assert (await parts.promise()).audit_rate == 0.5


async def test_watch_is_renewed_in_time_and_not_more_often(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(
        common, sqlite_url, promise={"watch_grace_seconds": 100}
    ) as parts:
        await _first(parts, certified=True)

        async def watched_until() -> float:
            await renew_watch(parts.resources, parts.project, parts.clock.moment)
            await parts.resources.documents.sync(PROJECT)
            moment = (await parts.promise()).versions["v1"].watched_until
            assert moment is not None
            return (moment - parts.clock.moment).total_seconds()

        assert await watched_until() == pytest.approx(100, abs=0.01)
        parts.clock.advance(seconds=9)
        assert await watched_until() == pytest.approx(91, abs=0.01)
        parts.clock.advance(seconds=2)
        assert await watched_until() == pytest.approx(100, abs=0.01)


async def test_a_trainer_that_was_suspended_while_it_read_does_not_vouch_for_the_pause(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(
        common, sqlite_url, promise={"watch_grace_seconds": 36_000}
    ) as parts:
        await _first(parts, certified=True)
        parts.clock.advance(hours=1)
        began = parts.clock.moment

        def suspend() -> None:
            parts.clock.advance(hours=3)
            parts.queue.is_away = True

        parts.queue.while_read = suspend
        worker = Worker(parts.resources)
        async with worker.working():
            # The turn after it finds the review queue away.
            await wait_until(lambda: any(loop.fault is not None for loop in worker.loops))
        entry = (await parts.promise()).versions["v1"]
        assert entry.watched_until is not None
        watched = (entry.watched_until - began).total_seconds()
        assert watched == pytest.approx(36_000, abs=0.01)


async def test_a_certificate_that_a_clock_ahead_gave_counts_once_its_moment_has_come(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await _first(parts, certified=True)

        async def state() -> tuple[str, str]:
            await parts.resources.documents.sync(PROJECT)
            described = await service.describe(parts.resources, parts.project, "v1")
            return (await parts.promise()).versions["v1"].state, described.standing

        parts.clock.advance(minutes=-4)
        assert await state() == ("certified", "certified")
        assert (await parts.certificate()).detail is None
        parts.clock.advance(minutes=-2)
        assert await state() == ("uncertified", "uncertified")
        view = await parts.certificate()
        assert view.detail.startswith("uncertified: ")
        parts.clock.advance(minutes=2)
        assert await state() == ("certified", "certified")
