"""Restored databases and stores, and databases that were mixed up: which documents count."""

import pytest

from services.trainer.documents.epochs import begin_epochs
from services.trainer.documents.service import Documents
from services.trainer.projects.repository import lock_state
from services.trainer.restored import declare_restored
from shared.contracts.versions import Channels, PromiseDocument
from shared.problems import Unavailable
from shared.settings import CommonSettings
from shared.store import channels_path, project_path, promise_path
from tests.integration.trainer.bench import Bench, open_bench
from tests.integration.trainer.world import PROJECT, truth


async def publish(bench: Bench) -> tuple[Channels, PromiseDocument]:
    """Publish v1; return the documents."""
    await bench.label(range(1000, 1060), truth)
    await bench.publish_version()
    return await bench.channels(), await bench.promise()


async def renew(bench: Bench, audit_rate: float) -> PromiseDocument:
    """Change what promise.json says, and return it as it is then."""
    await bench.put_project(promise={"audit_rate": audit_rate})
    tools = bench.resources
    # As a trainer that has just started.
    fresh = Documents(
        tools.database, tools.store, tools.projects, tools.bells, tools.leases, tools.now
    )
    await fresh.sync(PROJECT)
    return await bench.promise()


async def test_an_installation_begins_an_epoch_and_stays_in_it(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        channels, promise = await publish(bench)
        assert channels.epoch == promise.epoch == int(bench.clock.moment.timestamp())
        assert channels.writer == promise.writer == 1
        bench.clock.pass_time(seconds=5)
        later = await renew(bench, 0.5)
        assert (later.epoch, later.revision) == (promise.epoch, promise.revision + 1)


async def test_documents_of_the_release_before_are_followed_by_an_epoch(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        _, promise = await publish(bench)
        store = bench.resources.store
        for path in (channels_path(PROJECT), promise_path(PROJECT)):
            body = (await store.read(path) or b"").replace(b'"writer":1,', b"")
            await store.write(path, body.replace(f'"epoch":{promise.epoch},'.encode(), b""))
        async with bench.resources.database.transaction() as session:
            (await lock_state(session, PROJECT)).epoch = 0
        assert (await bench.promise()).order == (0, promise.revision, 0)
        later = await renew(bench, 0.5)
        assert (later.epoch, later.revision) == (promise.epoch, promise.revision + 1)
        assert (await bench.channels()).epoch == promise.epoch


async def test_a_restored_database_begins_an_epoch(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        _, first = await publish(bench)
        ahead = await renew(bench, 0.5)
        async with bench.resources.database.transaction() as session:
            state = await lock_state(session, PROJECT)
            state.policy_revision = first.revision
        later = await renew(bench, 0.25)
        assert later.epoch > ahead.epoch
        assert later.revision > ahead.revision
        assert (await bench.channels()).epoch == later.epoch


async def test_a_restored_store_is_brought_up_to_date_in_the_same_epoch(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        _, first = await publish(bench)
        ahead = await renew(bench, 0.5)
        await bench.resources.store.write_document(promise_path(PROJECT), first)
        later = await renew(bench, 0.25)
        assert (later.epoch, later.revision) == (ahead.epoch, ahead.revision + 1)


async def test_after_a_restore_of_both_an_epoch_begins_on_command(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        channels, promise = await publish(bench)
        bench.clock.pass_time(hours=1)
        tools = bench.resources
        begun = await begin_epochs(tools.database, tools.store, tools.now)
        assert begun == {PROJECT: int(bench.clock.moment.timestamp())}
        await bench.resources.documents.sync(PROJECT)
        assert (await bench.promise()).epoch == (await bench.channels()).epoch == begun[PROJECT]
        assert promise.order.is_older_than((await bench.promise()).order)
        assert channels.order.is_older_than((await bench.channels()).order)


async def test_a_trainer_with_another_database_is_refused_until_an_epoch_is_begun_there(
    common: CommonSettings, sqlite_url: str
) -> None:
    other_url = sqlite_url.replace("test.db", "other.db")
    async with open_bench(common, sqlite_url) as bench:
        channels, promise = await publish(bench)
        async with open_bench(common, other_url) as other:
            with pytest.raises(Unavailable, match="another database"):
                await other.resources.documents.sync(PROJECT)
            assert PROJECT in other.resources.documents.faults
            assert (await bench.channels(), await bench.promise()) == (channels, promise)

            await declare_restored(common, other.resources.database)
            await other.resources.documents.sync(PROJECT)
            assert other.resources.documents.faults == {}
            assert (await bench.promise()).audit_epoch != promise.audit_epoch
            await bench.resources.store.write_document(project_path(PROJECT), bench.project)
            with pytest.raises(Unavailable, match="another database"):
                await renew(bench, 0.5)


async def test_a_malformed_promise_leaves_its_own_project_alone_without_an_epoch(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await publish(bench)
        tools = bench.resources
        # It comes before the other one.
        assert PROJECT > "a"
        await tools.store.write(promise_path("a"), b'{"revision":')
        begun = await begin_epochs(tools.database, tools.store, tools.now)
        assert list(begun) == [PROJECT]
