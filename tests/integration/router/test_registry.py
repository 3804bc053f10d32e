"""Reads of the store and loads of a graph that overlap."""

import asyncio
from collections import Counter

from services.router.versions.registry import Versions
from shared.doorbells import Doorbells
from shared.settings import CommonSettings
from shared.store import Store, model_path, promise_path
from tests.harness import wait_until
from tests.integration.router.factory import Publisher, number_graph


class GatedStore(Store):
    """A real store, in which a test holds up the reads of chosen paths."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.gates: dict[str, asyncio.Event] = {}
        self.held: set[str] = set()
        self.reads: Counter[str] = Counter()

    async def read(self, path: str) -> bytes | None:
        self.reads[path] += 1
        if path in self.gates:
            self.held.add(path)
            await self.gates[path].wait()
            self.held.discard(path)
        return await super().read(path)

    def hold(self, path: str) -> None:
        self.gates[path] = asyncio.Event()

    def let_go(self, path: str) -> None:
        self.gates.pop(path).set()


def serving(versions: Versions) -> str | None:
    view = versions.known().get("shop")
    return view.serving.version if view is not None and view.serving is not None else None


async def test_a_load_that_ends_during_a_read_of_the_store_is_not_undone(
    common: CommonSettings,
) -> None:
    store = GatedStore(common.store_address)
    publisher = Publisher(store)
    model, promise = model_path("shop", "v2"), promise_path("shop")
    await publisher.put_project()
    await publisher.publish("v1")
    versions = Versions(store, Doorbells(""), poll_seconds=0.01, threads=1)
    async with versions.watching():
        await wait_until(lambda: serving(versions) == "v1")
        store.hold(model)
        await publisher.publish("v2", number_graph(2.0))
        await wait_until(lambda: model in store.held)
        store.hold(promise)
        await publisher.put_promise()
        await wait_until(lambda: promise in store.held)
        store.let_go(model)
        await wait_until(lambda: serving(versions) == "v2")
        store.let_go(promise)
        looks = store.reads[promise]
        await wait_until(lambda: store.reads[promise] > looks + 3)
        assert serving(versions) == "v2"
    assert store.reads[model] == 1


async def test_a_suspension_does_not_wait_for_a_graph_that_is_being_loaded(
    common: CommonSettings,
) -> None:
    store = GatedStore(common.store_address)
    publisher = Publisher(store)
    model = model_path("shop", "v2")
    await publisher.put_project()
    await publisher.publish("v1")
    versions = Versions(store, Doorbells(""), poll_seconds=0.01, threads=1)
    async with versions.watching():
        await wait_until(lambda: serving(versions) == "v1")
        store.hold(model)
        await publisher.publish("v2", number_graph(2.0))
        await wait_until(lambda: model in store.held)
        suspended = publisher.entries["v1"].model_copy(update={"state": "suspended"})
        await publisher.put_promise(v1=suspended)

        def known() -> bool:
            document = versions.known()["shop"].documents.promise
            return document is not None and document.versions["v1"].state == "suspended"

        await wait_until(known)
        assert serving(versions) == "v1"
        store.let_go(model)
