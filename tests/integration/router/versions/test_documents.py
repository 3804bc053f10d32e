"""Documents that a router does not believe: older ones, wrong figures, and later releases'."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from shared.contracts.base import utc_now
from shared.contracts.versions import Channels, ModelInput, PromiseDocument, StoredDocument
from shared.store import channels_path, manifest_path, project_path, promise_path, sha256
from tests.harness import wait_until
from tests.harness.model_publisher import (
    NUMBER_INPUT,
    SURE,
    Publisher,
    entry_of,
    number_graph,
    project_of,
)
from tests.integration.router.conftest import ServedRouter

UNKNOWN = {"later_member": {"deep": [1]}}


async def stored(served: ServedRouter, path: str) -> dict[str, Any]:
    """The document at `path` as the store has it."""
    found: dict[str, Any] = orjson.loads(await served.publisher.store.read(path) or b"")
    return found


async def refused(served: ServedRouter, document: str, cause: str, times: int = 1) -> None:
    """Wait until a document was refused so often."""
    labels = {"document": document, "cause": cause}
    name = "surehand_router_refused_documents_total"

    async def was() -> bool:
        return await served.metric(name, **labels) >= times

    await wait_until(was)


async def certificates_refused(served: ServedRouter, cause: str) -> float:
    """How many certificates were refused; counted for all tests of this process."""
    return await served.metric("surehand_router_refused_certificates_total", cause=cause)


async def put(served: ServedRouter, path: str, document: StoredDocument, **place: int) -> None:
    """Write `document` at another place of the order."""
    await served.publisher.store.write_document(path, document.model_copy(update=place))


async def test_an_older_promise_does_not_bring_back_what_was_suspended(
    served: ServedRouter,
) -> None:
    digest = await served.publisher.publish()
    path, store = promise_path(served.publisher.name), served.publisher.store
    await served.serving("v1")
    assert (await served.one(SURE))["reason"] == "confident"
    promise = await store.read_document(path, PromiseDocument)
    assert promise is not None
    suspended = entry_of(served.publisher.project, digest, state="suspended")
    newer = promise.model_copy(update={"versions": {"v1": suspended}})
    await put(served, path, newer, epoch=5, revision=9, writer=4)
    await served.serving_revision(9)
    for times, place in enumerate(
        ({"epoch": 5, "revision": 8, "writer": 4},
         {"epoch": 0, "revision": 99},
         {"epoch": 5, "revision": 10, "writer": 3}),
        start=1,
    ):  # fmt: skip
        await put(served, path, promise, **place)
        await refused(served, "promise.json", "older", times)
        assert (await served.one(SURE, f"b{times}"))["reason"] == "promise_suspended"
    await put(served, path, promise, epoch=6, revision=1, writer=1)
    await served.serving_revision(1)
    assert (await served.one(SURE, "c"))["reason"] == "confident"


@pytest.mark.thorough
async def test_an_older_channels_document_does_not_bring_back_a_champion(
    served: ServedRouter,
) -> None:
    await served.publisher.publish("v1")
    await served.publisher.publish("v2", number_graph(2.0))
    await served.serving("v2")
    path = channels_path(served.publisher.name)
    revision = (await stored(served, path))["revision"]
    await put(served, path, Channels(revision=1, champion="v1"), revision=revision - 1)
    await refused(served, "channels.json", "older")
    assert (await served.model())["champion"] == "v2"
    # Also after the project was away for a moment, as while a store is restored.
    await served.publisher.store.delete(f"{served.publisher.name}/project.json")

    async def is_forgotten() -> bool:
        response = await served.caller.get(f"/v1/projects/{served.publisher.name}/model")
        return response.status_code == 404

    await wait_until(is_forgotten)
    await served.publisher.put_project()
    await refused(served, "channels.json", "older", 2)
    assert (await served.model())["champion"] is None
    await put(served, path, Channels(revision=1, champion="v1"), revision=revision + 1)
    await served.serving("v1")


# What a certificate says otherwise, and what does not hold then.
WRONG_FIGURES: list[tuple[dict[str, Any], str]] = [
    ({"method": "e-values"}, "unknown_method"),
    ({"upper_bound": 0.01}, "bound"),
    ({"errors": 40}, "bound"),
    ({"delta": 0.5}, "delta"),
    ({"labels": 5}, "counts"),
    ({"labels": 10**400, "accepted": 10**400}, "counts"),
    ({"attempt": 10**400}, "counts"),
    ({"threshold": -1.0}, "threshold"),
    ({"certified_at": utc_now() + timedelta(days=3650)}, "dates"),
]


async def test_a_certificate_whose_figures_do_not_hold_certifies_nothing(
    served: ServedRouter,
) -> None:
    publisher, digest = served.publisher, sha256(number_graph())
    for changes, cause in WRONG_FIGURES:
        await publisher.put_promise(v1=entry_of(publisher.project, digest))
        await served.serving_revision(publisher.revision)
        assert (await served.one(SURE))["decision"] == "answered"
        counted = await certificates_refused(served, cause)
        await publisher.put_promise(v1=entry_of(publisher.project, digest, **changes))
        await served.serving_revision(publisher.revision)
        assert (await served.one(SURE))["reason"] == "uncertified", changes
        assert (await served.model())["promise"]["state"] == "uncertified"
        assert await certificates_refused(served, cause) == counted + 1


async def test_a_clock_before_the_certificate_answers_nothing_until_it_is_right_again(
    served: ServedRouter,
) -> None:
    counted = await certificates_refused(served, "clock")
    assert (await served.one(SURE, "a"))["decision"] == "answered"
    served.clock.ahead = timedelta(minutes=-4)
    assert (await served.one(SURE, "b"))["decision"] == "answered"
    served.clock.ahead = timedelta(minutes=-6)
    late = await served.one(SURE, "c")
    assert (late["decision"], late["reason"]) == ("in_review", "uncertified")
    assert await certificates_refused(served, "clock") == counted + 1
    served.clock.ahead = timedelta()
    assert (await served.one(SURE, "d"))["decision"] == "answered"


async def test_members_of_a_later_release_are_ignored(served: ServedRouter) -> None:
    publisher, store = served.publisher, served.publisher.store
    await publisher.put_version("v7")
    name = publisher.name
    manifest = await stored(served, manifest_path(name, "v7"))
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
    project = await stored(served, f"{name}/project.json")
    project["promise"] |= UNKNOWN
    await store.write(f"{name}/project.json", orjson.dumps(project | UNKNOWN))
    await served.serving("v7")
    assert (await served.one(SURE))["decision"] == "answered"


async def test_a_field_type_of_a_later_release_sends_its_project_to_people_and_no_other(
    served: ServedRouter,
) -> None:
    publisher, store = served.publisher, served.publisher.store
    other = Publisher(store, project_of("other"))
    await other.put_project()
    await other.publish()
    path = project_path(publisher.name)
    project = await stored(served, path)
    project["revision"] += 1
    project["fields"]["sound"] = {"type": "audio", "max_seconds": 3}
    project["webhooks"] = [
        {"url": "https://example.org/", "secret_ref": "S", "events": ["reviewer.paused"]}
    ]
    await store.write(path, orjson.dumps(project))
    await served.project_revision(2)
    response = await served.predict({"item_id": "a", "data": {"score": SURE, "sound": [1]}})
    (prediction,) = response.json()["predictions"]
    assert (prediction["decision"], prediction["reason"]) == ("in_review", "uncertified")
    assert prediction["suggestion"] == "positive"
    assert served.queue.item_ids == ["a"]
    both = [NUMBER_INPUT, ModelInput(name="more", field="sound", dtype="float", shape=[-1, 1])]
    await publisher.put_version("v2", number_graph(2.0), inputs=both)
    await publisher.put_champion("v2")
    assert "cannot be fed from a audio field" in await served.refused("v2")
    served.publisher = other
    await served.serving("v1")
    assert (await served.one(SURE, "b"))["decision"] == "answered"


@pytest.mark.parametrize(
    "changes", [{"state": "paused"}, {"certificate": {"method": "m", "wealth": 21.5}}]
)
async def test_an_entry_that_cannot_be_read_certifies_nothing_and_spoils_no_other(
    served: ServedRouter, changes: dict[str, Any]
) -> None:
    publisher, counted = served.publisher, await certificates_refused(served, "unreadable")
    await publisher.put_version("v2", number_graph(2.0))
    path = promise_path(publisher.name)
    promise = await stored(served, path)
    promise["versions"]["v2"] = promise["versions"]["v1"] | changes
    promise["revision"] += 10
    await publisher.store.write(path, orjson.dumps(promise))
    await served.serving_revision(promise["revision"])
    assert (await served.one(SURE, "a"))["decision"] == "answered"
    publisher.revision = promise["revision"]
    await publisher.put_champion("v2")
    await served.serving("v2")
    assert (await served.one(SURE, "b"))["reason"] == "uncertified"
    assert await certificates_refused(served, "unreadable") > counted
