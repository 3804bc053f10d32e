"""Reads of the store and loads of a graph that overlap."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from services.router.problems import ProjectNotFound, VersionNotFound, VersionNotReady
from services.router.versions.registry import Versions
from shared.doorbells import Doorbells
from shared.settings import CommonSettings
from shared.store import Store, model_path, promise_path
from tests.harness import wait_until
from tests.harness.model_publisher import Publisher, number_graph, project_of


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


@contextlib.asynccontextmanager
async def watched(
    store: Store, *names: str, answer_seconds: float = 5.0
) -> AsyncIterator[Versions]:
    """Versions of project shop, which serves v1, with further versions `names` in the store."""
    publisher = Publisher(store)
    await publisher.put_project()
    for name in names:
        await publisher.put_version(name, number_graph(1 + int(name[1:]) / 10))
    await publisher.publish("v1")
    versions = Versions(
        store, Doorbells(""), poll_seconds=0.01, threads=1, answer_seconds=answer_seconds
    )
    async with versions.watching():
        await wait_until(lambda: serving(versions) == "v1")
        yield versions


def serving(versions: Versions) -> str | None:
    view = versions.known().get("shop")
    return view.serving.version if view is not None and view.serving is not None else None


async def is_loaded(versions: Versions, version: str) -> bool:
    """Ask for a pinned version, which may take longer to load than an answer may wait."""
    try:
        return (await versions.pinned("shop", version)).version == version
    except VersionNotReady:
        return False


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


async def test_a_first_champion_that_loads_for_long_is_waited_for_a_while(
    common: CommonSettings,
) -> None:
    store = GatedStore(common.store_address)
    publisher = Publisher(store)
    store.hold(model_path("shop", "v1"))
    await publisher.put_project()
    await publisher.publish("v1")
    await publisher.put_version("v2", number_graph(2.0))
    versions = Versions(store, Doorbells(""), poll_seconds=0.01, threads=1, answer_seconds=0.05)
    async with versions.watching():
        await wait_until(lambda: model_path("shop", "v1") in store.held)
        with pytest.raises(VersionNotReady, match="still being loaded"):
            await versions.serving("shop")
        assert (await versions.view("shop")).serving is None
        await wait_until(lambda: is_loaded(versions, "v2"))
        assert versions.missing() == {"champion of shop": "is being loaded"}
        store.let_go(model_path("shop", "v1"))
        await wait_until(lambda: serving(versions) == "v1")
        assert (await versions.serving("shop")).serving is not None
    assert store.reads[model_path("shop", "v1")] == 1


async def test_who_asks_while_the_first_champion_loads_is_answered_by_it(
    common: CommonSettings,
) -> None:
    store = GatedStore(common.store_address)
    publisher = Publisher(store)
    store.hold(model_path("shop", "v1"))
    await publisher.put_project()
    await publisher.publish("v1")
    versions = Versions(store, Doorbells(""), poll_seconds=0.01, threads=1)
    async with versions.watching():
        asking = asyncio.create_task(versions.serving("shop"))
        await wait_until(lambda: model_path("shop", "v1") in store.held)
        store.let_go(model_path("shop", "v1"))
        view = await asking
        assert view.serving is not None
        assert view.serving.version == "v1"


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


async def test_every_version_that_the_channels_name_is_loaded(common: CommonSettings) -> None:
    store = GatedStore(common.store_address)
    async with watched(store, "v2", "v3") as versions:
        publisher = Publisher(store, revision=9)
        await publisher.put_champion("v1", challenger=("v2", 0.1), shadow=["v3", "v2"])
        await wait_until(lambda: len(versions.known()["shop"].loaded) == 3)
        view = versions.known()["shop"]
        assert list(view.loaded) == ["v1", "v2", "v3"]
        assert view.serving is view.loaded["v1"]
        await publisher.put_champion("v1")
        await wait_until(lambda: list(versions.known()["shop"].loaded) == ["v1"])
        await publisher.put_champion("v2", challenger=("v1", 0.1))
        await wait_until(lambda: serving(versions) == "v2")
        assert list(versions.known()["shop"].loaded) == ["v2", "v1"]
    assert store.reads[model_path("shop", "v1")] == 1


async def test_a_challenger_and_a_shadow_that_fail_leave_the_champion_alone(
    common: CommonSettings,
) -> None:
    store = GatedStore(common.store_address)
    async with watched(store, "v3") as versions:
        champion = versions.known()["shop"].serving
        await store.write(model_path("shop", "v3"), b"damaged")
        await Publisher(store, revision=9).put_champion("v1", challenger=("v2", 0.5), shadow=["v3"])
        await wait_until(lambda: len(versions.known()["shop"].failures) == 2)
        view = versions.known()["shop"]
        assert "no manifest.json" in view.failures["v2"]
        assert "digest" in view.failures["v3"]
        assert view.serving is champion
        assert versions.missing() == {}


async def test_a_pinned_version_is_loaded_once_for_all_who_ask(common: CommonSettings) -> None:
    store = GatedStore(common.store_address)
    async with watched(store, "v2") as versions:
        asked = [versions.pinned("shop", "v2") for _ in range(20)]
        found = await asyncio.gather(*asked, versions.pinned("shop", "v2"))
        assert {loaded.version for loaded in found} == {"v2"}
        assert len({id(loaded) for loaded in found}) == 1
        assert (await versions.pinned("shop", "v1")) is versions.known()["shop"].serving
        # Nobody else sees it.
        assert list(versions.known()["shop"].loaded) == ["v1"]
    assert store.reads[model_path("shop", "v2")] == 1


async def test_a_pinned_version_that_becomes_champion_is_not_loaded_again(
    common: CommonSettings,
) -> None:
    store = GatedStore(common.store_address)
    async with watched(store, "v2") as versions:
        pinned = await versions.pinned("shop", "v2")
        await Publisher(store, revision=9).put_champion("v2")
        await wait_until(lambda: versions.known()["shop"].serving is pinned)
    assert store.reads[model_path("shop", "v2")] == 1


async def test_few_pinned_versions_stay(common: CommonSettings) -> None:
    store = GatedStore(common.store_address)
    async with watched(store, "v2", "v3", "v4") as versions:
        for name in ("v2", "v3", "v2", "v4", "v2", "v3"):
            assert (await versions.pinned("shop", name)).version == name
    reads = {name: store.reads[model_path("shop", name)] for name in ("v2", "v3", "v4")}
    # v4 took the place of v3, which was asked for less lately than v2.
    assert reads == {"v2": 1, "v3": 2, "v4": 1}


async def test_a_pin_of_what_is_not_there_is_not_found(common: CommonSettings) -> None:
    store = GatedStore(common.store_address)
    async with watched(store) as versions:
        await store.write(model_path("shop", "v2"), number_graph())
        for name in ("v2", "v9", "", "../v1", "v1/../v1", "v1\n", "-v1"):
            with pytest.raises(VersionNotFound):
                await versions.pinned("shop", name)
        with pytest.raises(ProjectNotFound):
            await versions.pinned("news", "v1")


async def test_a_pin_of_a_refused_version_says_why_and_does_not_load_it_each_time(
    common: CommonSettings,
) -> None:
    store = GatedStore(common.store_address)
    async with watched(store, "v2") as versions:
        await store.write(model_path("shop", "v2"), b"damaged")
        for _ in range(5):
            with pytest.raises(VersionNotReady, match="digest"):
                await versions.pinned("shop", "v2")
        assert versions.known()["shop"].failures == {}
    assert store.reads[model_path("shop", "v2")] == 1


async def test_a_pin_that_takes_too_long_is_answered_and_its_load_goes_on(
    common: CommonSettings,
) -> None:
    store = GatedStore(common.store_address)
    async with watched(store, "v2", "v3", "v4", answer_seconds=0.05) as versions:
        for name in ("v2", "v3"):
            store.hold(model_path("shop", name))
            with pytest.raises(VersionNotReady, match="still being loaded"):
                await versions.pinned("shop", name)
        await wait_until(lambda: {model_path("shop", name) for name in ("v2", "v3")} <= store.held)

        async def refused() -> bool:
            # While its own documents are read, it is said to be loaded too.
            with pytest.raises(VersionNotReady) as refusal:
                await versions.pinned("shop", "v4")
            return "others are being loaded" in str(refusal.value)

        await wait_until(refused)
        for name in ("v2", "v3"):
            store.let_go(model_path("shop", name))

        async def loaded() -> bool:
            with contextlib.suppress(VersionNotReady):
                return (await versions.pinned("shop", "v2")).version == "v2"
            return False

        await wait_until(loaded)
    assert store.reads[model_path("shop", "v2")] == 1


async def test_new_labels_take_every_version_out_of_memory(common: CommonSettings) -> None:
    store = GatedStore(common.store_address)
    async with watched(store, "v2", "v3") as versions:
        publisher = Publisher(store, revision=9)
        await publisher.put_champion("v1", challenger=("v2", 0.5))
        await wait_until(lambda: "v2" in versions.known()["shop"].loaded)
        await versions.pinned("shop", "v3")
        await publisher.put_project(project_of(revision=2, labels=["a", "b"]))
        await wait_until(lambda: set(versions.known()["shop"].failures) == {"v1", "v2"})
        assert versions.known()["shop"].loaded == {}
        with pytest.raises(VersionNotReady, match="labels"):
            await versions.pinned("shop", "v3")


class FaultyStore(Store):
    """A real store that raises an unexpected error for one project, while a test wants it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.faulty: str | None = None

    async def read(self, path: str) -> bytes | None:
        if self.faulty is not None and path.startswith(f"{self.faulty}/"):
            raise OverflowError("an integer that no float can hold")
        return await super().read(path)


async def test_an_unexpected_error_in_one_project_holds_up_no_other(
    common: CommonSettings,
) -> None:
    store = FaultyStore(common.store_address)
    await Publisher(store, project_of("another")).put_project()
    store.faulty = "another"
    with capture_logs() as lines:
        async with watched(store) as versions:
            await wait_until(lambda: not versions.missing())
            assert set(versions.known()) == {"shop"}
            assert versions.loop.fault is None
            store.faulty = None
            await wait_until(lambda: "another" in versions.known())
    refused = [line for line in lines if line["event"] == "project_refused"]
    assert [line["project"] for line in refused] == ["another"]
