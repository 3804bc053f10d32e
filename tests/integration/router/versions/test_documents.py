"""Documents that a router does not believe: older ones, wrong figures, and later releases'."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from shared.contracts.base import utc_now
from shared.contracts.versions import Channels, PromiseDocument, StoredDocument
from shared.store import channels_path, manifest_path, promise_path, sha256
from tests.harness import wait_until
from tests.integration.router.conftest import World
from tests.integration.router.factory import SURE, entry_of, number_graph

UNKNOWN = {"later_member": {"deep": [1]}}


async def stored(world: World, path: str) -> dict[str, Any]:
    """The document at `path` as the store has it."""
    found: dict[str, Any] = orjson.loads(await world.publisher.store.read(path) or b"")
    return found


async def refused(world: World, document: str, cause: str, times: int = 1) -> None:
    """Wait until a document was refused so often."""
    labels = {"document": document, "cause": cause}
    name = "surehand_router_refused_documents_total"

    async def was() -> bool:
        return await world.metric(name, **labels) >= times

    await wait_until(was)


async def certificates_refused(world: World, cause: str) -> float:
    """How many certificates were refused; counted for all tests of this process."""
    return await world.metric("surehand_router_refused_certificates_total", cause=cause)


async def put(world: World, path: str, document: StoredDocument, **place: int) -> None:
    """Write `document` at another place of the order."""
    await world.publisher.store.write_document(path, document.model_copy(update=place))


async def test_an_older_promise_does_not_bring_back_what_was_suspended(world: World) -> None:
    digest = await world.publisher.publish()
    path, store = promise_path(world.publisher.name), world.publisher.store
    await world.serving("v1")
    assert (await world.one(SURE))["reason"] == "confident"
    promise = await store.read_document(path, PromiseDocument)
    assert promise is not None
    suspended = entry_of(world.publisher.project, digest, state="suspended")
    newer = promise.model_copy(update={"versions": {"v1": suspended}})
    await put(world, path, newer, epoch=5, revision=9, writer=4)
    await world.serving_revision(9)
    for times, place in enumerate(
        ({"epoch": 5, "revision": 8, "writer": 4},
         {"epoch": 0, "revision": 99},
         {"epoch": 5, "revision": 10, "writer": 3}),
        start=1,
    ):  # fmt: skip
        await put(world, path, promise, **place)
        await refused(world, "promise.json", "older", times)
        assert (await world.one(SURE, f"b{times}"))["reason"] == "promise_suspended"
    await put(world, path, promise, epoch=6, revision=1, writer=1)
    await world.serving_revision(1)
    assert (await world.one(SURE, "c"))["reason"] == "confident"


async def test_an_older_channels_document_does_not_bring_back_a_champion(world: World) -> None:
    await world.publisher.publish("v1")
    await world.publisher.publish("v2", number_graph(2.0))
    await world.serving("v2")
    path = channels_path(world.publisher.name)
    revision = (await stored(world, path))["revision"]
    await put(world, path, Channels(revision=1, champion="v1"), revision=revision - 1)
    await refused(world, "channels.json", "older")
    assert (await world.model())["champion"] == "v2"
    # Also after the project was away for a moment, as while a store is restored.
    await world.publisher.store.delete(f"{world.publisher.name}/project.json")

    async def is_forgotten() -> bool:
        response = await world.caller.get(f"/v1/projects/{world.publisher.name}/model")
        return response.status_code == 404

    await wait_until(is_forgotten)
    await world.publisher.put_project()
    await refused(world, "channels.json", "older", 2)
    assert (await world.model())["champion"] is None
    await put(world, path, Channels(revision=1, champion="v1"), revision=revision + 1)
    await world.serving("v1")


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"method": "e-values"}, "unknown_method"),
        ({"upper_bound": 0.01}, "bound"),
        ({"errors": 40}, "bound"),
        ({"delta": 0.5}, "delta"),
        ({"labels": 5}, "counts"),
        ({"labels": 10**400, "accepted": 10**400}, "counts"),
        ({"attempt": 10**400}, "counts"),
        ({"threshold": -1.0}, "threshold"),
        ({"certified_at": utc_now() + timedelta(days=3650)}, "dates"),
    ],
)
async def test_a_certificate_whose_figures_do_not_hold_certifies_nothing(
    world: World, changes: dict[str, Any], cause: str
) -> None:
    publisher = world.publisher
    digest, counted = sha256(number_graph()), await certificates_refused(world, cause)
    await publisher.put_promise(v1=entry_of(publisher.project, digest, **changes))
    await world.serving_revision(publisher.revision)
    assert (await world.one(SURE))["reason"] == "uncertified"
    assert (await world.model())["promise"]["state"] == "uncertified"
    assert await certificates_refused(world, cause) == counted + 1


async def test_a_clock_before_the_certificate_answers_nothing_until_it_is_right_again(
    world: World,
) -> None:
    counted = await certificates_refused(world, "clock")
    assert (await world.one(SURE, "a"))["decision"] == "answered"
    world.clock.ahead = timedelta(minutes=-4)
    assert (await world.one(SURE, "b"))["decision"] == "answered"
    world.clock.ahead = timedelta(minutes=-6)
    late = await world.one(SURE, "c")
    assert (late["decision"], late["reason"]) == ("in_review", "uncertified")
    assert await certificates_refused(world, "clock") == counted + 1
    world.clock.ahead = timedelta()
    assert (await world.one(SURE, "d"))["decision"] == "answered"


async def test_members_of_a_later_release_are_ignored(world: World) -> None:
    publisher, store = world.publisher, world.publisher.store
    await publisher.put_version("v7")
    name = publisher.name
    manifest = await stored(world, manifest_path(name, "v7"))
    manifest["inputs"][0] |= UNKNOWN
    await store.write(manifest_path(name, "v7"), orjson.dumps(manifest | UNKNOWN))
    digest = manifest["model_sha256"]
    entry = entry_of(publisher.project, digest).model_dump(mode="json")
    entry["certificate"] |= UNKNOWN
    promise = {
        "epoch": 1,
        "revision": 1,
        "writer": 1,
        "target_accuracy": 0.9,
        "confidence": 0.95,
        "audit_rate": 0.0,
        "audit_epoch": "e",
        "versions": {"v7": entry | UNKNOWN},
    }
    await store.write(promise_path(name), orjson.dumps(promise | UNKNOWN))
    channels = {"epoch": 1, "revision": 1, "champion": "v7", "history": [], **UNKNOWN}
    await store.write(channels_path(name), orjson.dumps(channels))
    project = await stored(world, f"{name}/project.json")
    project["promise"] |= UNKNOWN
    await store.write(f"{name}/project.json", orjson.dumps(project | UNKNOWN))
    await world.serving("v7")
    assert (await world.one(SURE))["decision"] == "answered"
