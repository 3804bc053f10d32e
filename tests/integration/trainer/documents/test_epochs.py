"""Restored databases and stores, and databases that were mixed up: which documents count."""

import pytest

from services.trainer.documents.service import Documents
from services.trainer.projects.repository import lock_state
from services.trainer.restored import begin_epochs, declare_restored
from shared.contracts.versions import Channels, PromiseDocument
from shared.problems import Unavailable
from shared.settings import CommonSettings
from shared.store import channels_path, project_path, promise_path
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts


async def publish(parts: TrainerParts) -> tuple[Channels, PromiseDocument]:
    """Publish v1; return the documents."""
    await parts.label(range(1000, 1060), truth)
    await parts.publish_version()
    return await parts.channels(), await parts.promise()


async def renew(parts: TrainerParts, audit_rate: float) -> PromiseDocument:
    """Change what promise.json says, and return it as it is then."""
    await parts.put_project(promise={"audit_rate": audit_rate})
    tools = parts.resources
    # As a trainer that has just started.
    fresh = Documents(
        tools.database, tools.store, tools.projects, tools.bells, tools.leases, tools.now
    )
    await fresh.sync(PROJECT)
    return await parts.promise()


async def test_an_installation_begins_an_epoch_and_stays_in_it(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        channels, promise = await publish(parts)
        assert channels.epoch == promise.epoch == int(parts.clock.moment.timestamp())
        assert channels.writer == promise.writer == 1
        parts.clock.advance(seconds=5)
        later = await renew(parts, 0.5)
        assert (later.epoch, later.revision) == (promise.epoch, promise.revision + 1)


async def test_documents_of_the_release_before_are_followed_by_an_epoch(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        _, promise = await publish(parts)
        store = parts.resources.store
        for path in (channels_path(PROJECT), promise_path(PROJECT)):
            body = (await store.read(path) or b"").replace(b'"writer":1,', b"")
            await store.write(path, body.replace(f'"epoch":{promise.epoch},'.encode(), b""))
        async with parts.resources.database.transaction() as session:
            (await lock_state(session, PROJECT)).epoch = 0
        assert (await parts.promise()).order == (0, promise.revision, 0)
        later = await renew(parts, 0.5)
        assert (later.epoch, later.revision) == (promise.epoch, promise.revision + 1)
        assert (await parts.channels()).epoch == promise.epoch


async def test_a_restored_database_begins_an_epoch(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        _, first = await publish(parts)
        ahead = await renew(parts, 0.5)
        async with parts.resources.database.transaction() as session:
            state = await lock_state(session, PROJECT)
            state.policy_revision = first.revision
        later = await renew(parts, 0.25)
        assert later.epoch > ahead.epoch
        assert later.revision > ahead.revision
        assert (await parts.channels()).epoch == later.epoch


async def test_a_restored_store_is_brought_up_to_date_in_the_same_epoch(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        _, first = await publish(parts)
        ahead = await renew(parts, 0.5)
        await parts.resources.store.write_document(promise_path(PROJECT), first)
        later = await renew(parts, 0.25)
        assert (later.epoch, later.revision) == (ahead.epoch, ahead.revision + 1)


async def test_after_a_restore_of_both_an_epoch_begins_on_command(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        channels, promise = await publish(parts)
        parts.clock.advance(hours=1)
        tools = parts.resources
        begun = await begin_epochs(tools.database, tools.store, tools.now)
        assert begun == {PROJECT: int(parts.clock.moment.timestamp())}
        await parts.resources.documents.sync(PROJECT)
        assert (await parts.promise()).epoch == (await parts.channels()).epoch == begun[PROJECT]
        assert promise.order.is_older_than((await parts.promise()).order)
        assert channels.order.is_older_than((await parts.channels()).order)


async def test_a_trainer_with_another_database_is_refused_until_an_epoch_is_begun_there(
    common: CommonSettings, sqlite_url: str
) -> None:
    other_url = sqlite_url.replace("test.db", "other.db")
    async with open_trainer_parts(common, sqlite_url) as parts:
        channels, promise = await publish(parts)
        async with open_trainer_parts(common, other_url) as other:
            with pytest.raises(Unavailable, match="another database"):
                await other.resources.documents.sync(PROJECT)
            assert PROJECT in other.resources.documents.faults
            assert (await parts.channels(), await parts.promise()) == (channels, promise)

            await declare_restored(common, other.resources.database)
            await other.resources.documents.sync(PROJECT)
            assert other.resources.documents.faults == {}
            assert (await parts.promise()).audit_epoch != promise.audit_epoch
            await parts.resources.store.write_document(project_path(PROJECT), parts.project)
            with pytest.raises(Unavailable, match="another database"):
                await renew(parts, 0.5)


async def test_a_malformed_promise_leaves_its_own_project_alone_without_an_epoch(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await publish(parts)
        tools = parts.resources
        # It comes before the other one.
        assert PROJECT > "a"
        await tools.store.write(promise_path("a"), b'{"revision":')
        begun = await begin_epochs(tools.database, tools.store, tools.now)
        assert list(begun) == [PROJECT]
