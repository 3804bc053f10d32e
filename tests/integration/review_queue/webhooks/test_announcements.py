"""What the trainer publishes reaches real receivers, by announcers that look when told to."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from services.review_queue.settings import ReviewQueueSettings
from services.review_queue.webhooks import repository
from services.review_queue.webhooks.announcing import Announcer, announce, read_documents
from shared.auth import Keys
from shared.contracts.versions import ChannelEvent, Channels, PromiseDocument, PromiseEntry
from shared.db import Database
from shared.settings import CommonSettings
from shared.store import Store, channels_path, promise_path
from tests.harness import wait_until
from tests.harness.clock import Clock
from tests.harness.desk import open_desk
from tests.integration.review_queue.webhooks.receiver import (
    QueueParts,
    Receiver,
    hook,
    receiving,
    saying,
)

CERTIFIED = PromiseEntry(
    state="certified", threshold=0.9, expires_at=datetime(2026, 12, 24, tzinfo=UTC)
)


@pytest.fixture
def store(common: CommonSettings) -> Store:
    return Store(common.store_address)


@pytest.fixture
def announcer(queue: QueueParts, store: Store) -> Announcer:
    return Announcer(queue.database, store, queue.clock)


async def promote(store: Store, *champions: str, since: datetime, revision: int) -> None:
    """Write the channels as the trainer does after these champions, a second apart."""
    history = [
        ChannelEvent(champion=name, live_at=since + timedelta(seconds=number))
        for number, name in enumerate(champions)
    ]
    document = Channels(revision=revision, champion=champions[-1], history=history)
    await store.write_document(channels_path("shop"), document)


async def state(store: Store, revision: int, **versions: PromiseEntry) -> None:
    """Write the promise as the trainer does."""
    document = PromiseDocument(
        revision=revision, target_accuracy=0.95, confidence=0.95, audit_rate=0.05,
        audit_epoch="e", versions=versions,
    )  # fmt: skip
    await store.write_document(promise_path("shop"), document)


@pytest.mark.any_database
async def test_promotion_and_promise_arrive_as_signed_cloud_events(
    queue: QueueParts, receiver: Receiver, store: Store, announcer: Announcer
) -> None:
    await queue.put(hook(receiver))
    await state(store, 3, v1=CERTIFIED, v2=PromiseEntry(state="uncertified"))
    await promote(store, "v1", since=queue.clock.moment, revision=2)
    assert await announcer.look() == 2
    assert (await queue.status()).pending == 2
    await queue.pump()
    events = {message.event["type"]: message for message in receiver.received}
    assert sorted(events) == ["promise.changed", "version.promoted"]
    for message in events.values():
        event = message.verified(queue.secret)
        assert message.message_id == event["id"]
        assert (event["source"], event["subject"]) == ("urn:surehand:project:shop", "v1")
    changed, promoted = events["promise.changed"].event, events["version.promoted"].event
    assert changed["data"] == {
        "version": "v1",
        "revision": 3,
        "state": "certified",
        "threshold": 0.9,
        "previous_state": "uncertified",
        "previous_threshold": None,
        "target_accuracy": 0.95,
        "confidence": 0.95,
        "expires_at": "2026-12-24T00:00:00.000Z",
    }
    assert promoted["data"] == {"version": "v1", "previous": None, "live_at": promoted["time"]}
    status = await queue.status()
    assert (status.pending, status.delivered) == (0, 2)
    assert await announcer.look() == 0


async def test_event_that_fails_comes_again_as_it_was(
    queue: QueueParts, receiver: Receiver, store: Store, announcer: Announcer
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(500)]
    await state(store, 1, v1=CERTIFIED)
    await announcer.look()
    await queue.pump()
    await state(store, 2, v1=CERTIFIED.model_copy(update={"state": "suspended"}))
    queue.clock.advance(60)
    await queue.pump()
    first, again = receiver.received
    assert first.body == again.body
    assert first.message_id == again.message_id


async def test_promise_is_told_as_it_stands_and_no_promotion_is_missed(
    queue: QueueParts, receiver: Receiver, store: Store, announcer: Announcer
) -> None:
    await queue.put(hook(receiver))
    noon = queue.clock.moment
    await state(store, 1, v1=CERTIFIED)
    await promote(store, "v1", since=noon, revision=1)
    await announcer.look()
    for revision, stands in enumerate(("warn", "suspended", "recertifying"), start=2):
        await state(store, revision, v1=CERTIFIED.model_copy(update={"state": stands}))
    await promote(store, "v1", "v2", "v1", "v3", since=noon, revision=9)
    await announcer.look()
    await queue.pump()
    while (await queue.status()).pending:
        await queue.pump()
    data = [message.event["data"] for message in receiver.received]
    promoted = [one for one in data if "live_at" in one]
    promoted.sort(key=lambda one: str(one["live_at"]))
    assert [(one["version"], one["previous"]) for one in promoted] == [
        ("v1", None), ("v2", "v1"), ("v1", "v2"), ("v3", "v1"),
    ]  # fmt: skip
    changed = [one for one in data if "state" in one]
    changed.sort(key=lambda one: int(one["revision"]))
    assert [(one["previous_state"], one["state"], one["revision"]) for one in changed] == [
        ("uncertified", "certified", 1),
        ("certified", "recertifying", 4),
    ]


@pytest.mark.any_database
async def test_later_receiver_gets_nothing_that_was_before_it(
    queue: QueueParts, receiver: Receiver, store: Store, announcer: Announcer
) -> None:
    noon = queue.clock.moment
    await state(store, 1, v1=CERTIFIED)
    await promote(store, "v1", since=noon, revision=1)
    await queue.put(hook(receiver))
    await announcer.look()
    async with receiving() as later:
        # Not looked at yet: the first receiver is still to get it, the new one never.
        await promote(store, "v1", "v2", since=noon, revision=2)
        await queue.put(hook(receiver), hook(later))
        await promote(store, "v1", "v2", "v3", since=noon, revision=3)
        await announcer.look()
        await queue.pump()
        assert sorted(message.event["subject"] for message in receiver.received) == ["v2", "v3"]
        assert [message.event["subject"] for message in later.received] == ["v3"]


@pytest.mark.any_database
async def test_receiver_that_comes_back_gets_nothing_of_the_time_between(
    queue: QueueParts, receiver: Receiver, store: Store, announcer: Announcer
) -> None:
    await queue.put(hook(receiver))
    await queue.put()
    await promote(store, "v1", since=queue.clock.moment, revision=1)
    await announcer.look()
    await queue.put(hook(receiver))
    await announcer.look()
    await queue.pump()
    assert receiver.received == []


@pytest.mark.any_database
async def test_receiver_gets_only_the_events_that_it_names(
    queue: QueueParts, receiver: Receiver, store: Store, announcer: Announcer
) -> None:
    await queue.put(hook(receiver, events=["version.promoted"]))
    await state(store, 1, v1=CERTIFIED)
    await promote(store, "v1", since=queue.clock.moment, revision=1)
    await queue.resolve("a")
    await announcer.look()
    await queue.pump()
    assert receiver.kinds == ["version.promoted"]


async def test_crash_before_the_commit_tells_nothing_and_loses_nothing(
    queue: QueueParts, receiver: Receiver, store: Store, announcer: Announcer
) -> None:
    await queue.put(hook(receiver))
    await promote(store, "v1", since=queue.clock.moment, revision=1)
    documents = await read_documents(store, "shop")
    assert documents is not None
    with contextlib.suppress(KeyboardInterrupt):
        async with queue.database.transaction() as session:
            webhooks = await repository.of_project(session, "shop", lock=True)
            now = queue.clock.moment
            assert await announce(session, "shop", list(webhooks.values()), documents, now) == 1
            raise KeyboardInterrupt
    await queue.pump()
    assert receiver.received == []
    assert await announcer.look() == 1
    await queue.pump()
    assert receiver.kinds == ["version.promoted"]


@pytest.mark.thorough
async def test_replicas_that_look_at_once_tell_each_change_once(
    queue: QueueParts, receiver: Receiver, store: Store, settings: ReviewQueueSettings
) -> None:
    async with receiving() as other:
        await queue.put(hook(receiver), hook(other))
        databases = [Database(settings.database_url) for _ in range(3)]
        replicas = [Announcer(database, store, queue.clock) for database in databases]
        names = [f"v{number}" for number in range(1, 7)]
        for revision in range(1, len(names) + 1):
            await promote(store, *names[:revision], since=queue.clock.moment, revision=revision)
            await asyncio.gather(*(replica.look() for replica in replicas))
            await queue.pump(queue.relay(), queue.relay())
        for database in databases:
            await database.dispose()
        for one in (receiver, other):
            assert [message.event["subject"] for message in one.received] == names
            assert len({message.message_id for message in one.received}) == len(names)


@pytest.mark.any_database
async def test_document_that_cannot_be_understood_holds_up_only_itself(
    queue: QueueParts, receiver: Receiver, store: Store, announcer: Announcer
) -> None:
    await queue.put(hook(receiver))
    await store.write(promise_path("shop"), b"{broken")
    await promote(store, "v1", since=queue.clock.moment, revision=1)
    assert await announcer.look() == 1
    await state(store, 1, v1=CERTIFIED)
    assert await announcer.look() == 1


@pytest.mark.any_database
async def test_running_service_tells_of_a_promotion(
    common: CommonSettings,
    settings: ReviewQueueSettings,
    keys: Keys,
    clock: Clock,
    store: Store,
    receiver: Receiver,
) -> None:
    async with open_desk(common, settings, keys, clock) as desk:
        await desk.put_project(webhooks=[hook(receiver)])
        await promote(store, "v1", since=clock.moment, revision=1)
        await wait_until(lambda: receiver.kinds == ["version.promoted"])
