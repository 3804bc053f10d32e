"""Versions and channels: who may serve, and documents that crashes cannot leave behind."""

import pytest

from services.trainer.documents.service import Documents
from services.trainer.registry import service
from services.trainer.registry.service import NotCertified, NothingToRollBackTo
from services.trainer.tables import Version
from services.trainer.worker import Worker, renew_watch
from shared.contracts.versions import Manifest
from shared.doorbells import versions_bell
from shared.graphs.graph import Graph
from shared.problems import Conflict, NotFound
from shared.settings import CommonSettings
from shared.store import channels_path, manifest_path, model_path, promise_path, sha256
from tests.harness import wait_until
from tests.integration.trainer.bench import Bench, open_bench
from tests.integration.trainer.world import PROJECT, review, truth


async def _first(bench: Bench, *, certified: bool = False) -> Version:
    """Publish v1, trained on half wrong labels unless it is to be certified."""
    if certified:
        await bench.import_reviews(range(100))
        await bench.label(range(1000, 1060), truth)
    else:
        await bench.label(
            range(1000, 1060),
            lambda data: "positive" if len(data["text"]) % 3 else "negative",
        )
    version = await bench.publish_version()
    if certified:
        await bench.step()
        bench.queue.answer(truth)
        await bench.step()
    return version


async def _second(bench: Bench) -> Version:
    """Publish v2 on 120 right labels more."""
    await bench.label(range(2000, 2120), truth)
    return await bench.publish_version()


async def _fresh_documents(bench: Bench) -> Documents:
    """The documents' writer of a trainer that has just started."""
    tools = bench.resources
    return Documents(
        tools.database, tools.store, tools.projects, tools.bells, tools.leases, tools.now
    )


async def test_first_version_serves_uncertified(common: CommonSettings, database_url: str) -> None:
    async with open_bench(common, database_url) as bench:
        await _first(bench)
        channels, promise = await bench.channels(), await bench.promise()
        assert (channels.champion, channels.previous) == ("v1", None)
        assert [event.champion for event in channels.history] == ["v1"]
        assert promise.versions["v1"].state == "uncertified"
        assert promise.audit_rate == bench.project.promise.audit_rate
        store = bench.resources.store
        manifest = await store.read_document(manifest_path(PROJECT, "v1"), Manifest)
        model = await store.read(model_path(PROJECT, "v1"))
        assert manifest is not None
        assert model is not None
        assert manifest.model_sha256 == sha256(model)
        assert manifest.dataset_id is not None
        assert Graph(model, manifest, bench.project.fields).run([review(1)]).shape == (1, 2)


async def test_better_version_replaces_an_uncertified_champion(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        await _first(bench)
        version = await _second(bench)
        assert version.gate["publication"]["promote"], version.gate
        channels = await bench.channels()
        assert (channels.champion, channels.previous) == ("v2", "v1")


async def test_without_auto_promote_only_a_call_moves_the_champion(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url, training={"auto_promote": False}) as bench:
        await _first(bench)
        await _second(bench)
        assert (await bench.channels()).champion == "v1"
        channels = await service.promote(bench.resources, bench.project, "v2")
        assert channels.champion == "v2"
        assert channels == await bench.channels()


async def test_uncertified_version_cannot_replace_a_certified_champion(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        await _first(bench, certified=True)
        await _second(bench)
        assert (await bench.channels()).champion == "v1"
        with pytest.raises(NotCertified) as refusal:
            await service.promote(bench.resources, bench.project, "v2")
        assert refusal.value.status == 409
        assert (await bench.channels()).champion == "v1"


async def test_certified_version_replaces_a_certified_champion_of_equal_coverage(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await _first(bench, certified=True)
        await bench.import_reviews(range(100, 200))
        await _second(bench)
        await bench.step()
        bench.queue.answer(truth)
        await bench.step()
        promise, channels = await bench.promise(), await bench.channels()
        assert promise.versions["v2"].state == "certified"
        assert (channels.champion, channels.previous) == ("v2", "v1")


async def test_rollback_changes_places_and_obeys_the_same_rule(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        await _first(bench)
        with pytest.raises(NothingToRollBackTo):
            await service.roll_back(bench.resources, bench.project)
        await bench.import_reviews(range(100))
        await _second(bench)
        channels = await service.roll_back(bench.resources, bench.project)
        assert (channels.champion, channels.previous) == ("v1", "v2")
        await service.roll_back(bench.resources, bench.project)
        await bench.step()
        bench.queue.answer(truth)
        await bench.step()
        assert (await bench.promise()).versions["v2"].state == "certified"
        with pytest.raises(NotCertified):
            await service.roll_back(bench.resources, bench.project)


async def test_expired_certificate_protects_its_champion_no_longer(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url, promise={"expires_days": 1}) as bench:
        await _first(bench, certified=True)
        await _second(bench)
        bench.clock.pass_time(days=2)
        await bench.resources.documents.sync(PROJECT)
        assert (await bench.promise()).versions["v1"].state == "expired"
        channels = await service.promote(bench.resources, bench.project, "v2")
        assert channels.champion == "v2"


async def test_retired_version_is_out_of_service_for_good(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await _first(bench)
        await _second(bench)
        with pytest.raises(Conflict):
            await service.retire(bench.resources, bench.project, "v2")
        view = await service.retire(bench.resources, bench.project, "v1")
        assert (view.retired, view.channels) == (True, [])
        assert set((await bench.promise()).versions) == {"v2"}
        assert (await bench.channels()).previous is None
        with pytest.raises(Conflict):
            await service.promote(bench.resources, bench.project, "v1")
        with pytest.raises(NotFound):
            await service.promote(bench.resources, bench.project, "v9")


async def test_crash_between_state_and_store_heals_at_the_next_start(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url, training={"auto_promote": False}) as bench:
        await _first(bench)
        await _second(bench)
        before = await bench.channels()
        await bench.set_champion_by_hand("v2")
        assert (await bench.channels()).champion == "v1"
        with bench.resources.bells.hearing(versions_bell(PROJECT)) as rung:
            await (await _fresh_documents(bench)).sync(PROJECT)
            assert rung.is_set()
        after = await bench.channels()
        assert after.champion == "v2"
        assert after.revision > before.revision


async def test_lost_and_unreadable_documents_are_written_again_with_higher_revisions(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await _first(bench)
        channels, promise = await bench.channels(), await bench.promise()
        await bench.resources.store.delete(promise_path(PROJECT))
        await bench.resources.store.write(channels_path(PROJECT), b"{")
        await (await _fresh_documents(bench)).sync(PROJECT)
        assert (await bench.promise()).revision > promise.revision
        assert (await bench.channels()).revision > channels.revision


async def test_revision_never_falls_behind_the_store(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await _first(bench)
        ahead = (await bench.promise()).model_copy(update={"revision": 70, "audit_rate": 0.9})
        await bench.resources.store.write_document(promise_path(PROJECT), ahead)
        await (await _fresh_documents(bench)).sync(PROJECT)
        assert (await bench.promise()).revision == 71


async def test_unchanged_state_writes_nothing(common: CommonSettings, sqlite_url: str) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await _first(bench)
        before = (await bench.promise()).revision, (await bench.channels()).revision
        for documents in (bench.resources.documents, await _fresh_documents(bench)):
            await documents.sync(PROJECT)
        assert before == ((await bench.promise()).revision, (await bench.channels()).revision)


async def test_promise_follows_the_projects_settings(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await _first(bench)
        await bench.put_project(promise={"audit_rate": 0.5})
        await bench.resources.documents.sync(PROJECT)
        assert (await bench.promise()).audit_rate == 0.5


async def test_watch_is_renewed_in_time_and_not_more_often(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url, promise={"watch_grace_seconds": 100}) as bench:
        await _first(bench, certified=True)

        async def watched_until() -> float:
            await renew_watch(bench.resources, bench.project, bench.clock.moment)
            await bench.resources.documents.sync(PROJECT)
            moment = (await bench.promise()).versions["v1"].watched_until
            assert moment is not None
            return (moment - bench.clock.moment).total_seconds()

        assert await watched_until() == pytest.approx(100, abs=0.01)
        bench.clock.pass_time(seconds=9)
        assert await watched_until() == pytest.approx(91, abs=0.01)
        bench.clock.pass_time(seconds=2)
        assert await watched_until() == pytest.approx(100, abs=0.01)


async def test_a_trainer_that_was_suspended_while_it_read_does_not_vouch_for_the_pause(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url, promise={"watch_grace_seconds": 36_000}) as bench:
        await _first(bench, certified=True)
        bench.clock.pass_time(hours=1)
        began = bench.clock.moment

        def suspend() -> None:
            bench.clock.pass_time(hours=3)
            bench.queue.is_away = True

        bench.queue.while_read = suspend
        worker = Worker(bench.resources)
        async with worker.working():
            # The turn after it finds the review queue away.
            await wait_until(lambda: any(loop.fault is not None for loop in worker.loops))
        entry = (await bench.promise()).versions["v1"]
        assert entry.watched_until is not None
        watched = (entry.watched_until - began).total_seconds()
        assert watched == pytest.approx(36_000, abs=0.01)


async def test_a_certificate_that_a_clock_ahead_gave_counts_once_its_moment_has_come(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await _first(bench, certified=True)

        async def state() -> tuple[str, str]:
            await bench.resources.documents.sync(PROJECT)
            described = await service.describe(bench.resources, bench.project, "v1")
            return (await bench.promise()).versions["v1"].state, described.standing

        bench.clock.pass_time(minutes=-4)
        assert await state() == ("certified", "certified")
        assert (await bench.certificate()).detail is None
        bench.clock.pass_time(minutes=-2)
        assert await state() == ("uncertified", "uncertified")
        view = await bench.certificate()
        assert view.detail.startswith("uncertified: ")
        bench.clock.pass_time(minutes=2)
        assert await state() == ("certified", "certified")
