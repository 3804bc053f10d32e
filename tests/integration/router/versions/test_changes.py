"""A router reads what has a new place in the indexes, or what a doorbell names, and no more."""

import contextlib
from collections.abc import AsyncIterator

from services.router.versions.registry import Versions
from shared.doorbells import Doorbells, project_bell, versions_bell
from shared.settings import CommonSettings
from shared.store import project_path, promise_path
from shared.store_index import IndexWriter
from tests.harness import wait_until
from tests.harness.model_publisher import Publisher, number_graph, project_of
from tests.integration.router.versions.test_registry import GatedStore, serving


@contextlib.asynccontextmanager
async def followed(
    common: CommonSettings, *, poll_seconds: float, bells: Doorbells
) -> AsyncIterator[tuple[GatedStore, Publisher, IndexWriter, Versions]]:
    """A store with both indexes, project shop in it, and versions that follow them."""
    store = GatedStore(common.store_address)
    publisher, index = Publisher(store), IndexWriter(store, "trainer")
    await publisher.put_project()
    await publisher.publish("v1")
    await IndexWriter(store, "review_queue").write()
    await index.write()
    versions = Versions(store, bells, poll_seconds=poll_seconds, threads=1)
    async with bells.listening(), versions.watching():
        await wait_until(lambda: serving(versions) == "v1")
        yield store, publisher, index, versions


async def test_only_what_has_a_new_place_in_an_index_is_read(common: CommonSettings) -> None:
    async with followed(common, poll_seconds=0.01, bells=Doorbells("")) as world:
        store, publisher, index, versions = world
        reads = store.reads.copy()
        toys = Publisher(store, project_of("toys"))
        await toys.put_project()
        await toys.publish("v1")
        index.note(promise_path("toys"), 0, 1)
        await index.write()
        await wait_until(lambda: "toys" in versions.known())
        assert store.reads[promise_path("shop")] == reads[promise_path("shop")]
        await publisher.publish("v2", number_graph(2.0))
        index.note(promise_path("shop"), 0, 9)
        await index.write()
        await wait_until(lambda: serving(versions) == "v2")


async def test_a_lost_index_lets_every_project_be_looked_at(common: CommonSettings) -> None:
    async with followed(common, poll_seconds=0.01, bells=Doorbells("")) as world:
        store, publisher, index, versions = world
        await store.delete(index.path)
        await publisher.publish("v2", number_graph(2.0))
        await wait_until(lambda: serving(versions) == "v2")


async def test_a_doorbell_alone_brings_a_new_project_and_a_new_version(
    common: CommonSettings,
) -> None:
    bells = Doorbells(common.redis_url)
    # Without a ring this router would look again after ten minutes.
    async with followed(common, poll_seconds=60, bells=bells) as world:
        store, publisher, _, versions = world
        await wait_until(lambda: bells.connected)
        toys = Publisher(store, project_of("toys"))
        await toys.put_project()
        await publisher.publish("v2", number_graph(2.0))

        async def both() -> bool:
            await bells.ring(project_bell("toys"), versions_bell("shop"))
            return "toys" in versions.known() and serving(versions) == "v2"

        await wait_until(both)
        assert store.reads[project_path("toys")] >= 1
