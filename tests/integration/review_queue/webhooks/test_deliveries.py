"""Deliveries to a real receiver, by relays that go round when told to, under a turned clock."""

import asyncio
from datetime import timedelta

import pytest
from fastapi import Response
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import delete, update

from services.review_queue.erasure.service import ErasureService
from services.review_queue.lifecycle.decisions import DecisionService
from services.review_queue.lifecycle.outcomes.service import OutcomeService
from services.review_queue.restored import declare_restored
from services.review_queue.settings import ReviewQueueSettings
from services.review_queue.tables import OutcomeRow
from services.review_queue.tables.webhooks import DeliveryRow, WebhookRow
from services.review_queue.webhooks.relay import CLAIM
from services.review_queue.webhooks.schedule import MAX_ATTEMPTS, ceiling_seconds
from services.review_queue.webhooks.service import WebhookService
from shared.contracts.base import task_id_for
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.integration.review_queue.webhooks.receiver import (
    QueueParts,
    Receiver,
    hook,
    new_secret,
    receiving,
    saying,
)


@pytest.mark.any_database
async def test_outcome_arrives_as_a_signed_cloud_event(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    await queue.resolve("order/17")
    await queue.pump()
    (message,) = receiver.received
    event = message.verified(queue.secret)
    task_id = task_id_for("shop", "order/17")
    assert message.headers["content-type"] == "application/cloudevents+json"
    assert message.message_id == event["id"] == f"{task_id}-1"
    assert (event["specversion"], event["type"]) == ("1.0", "outcome.resolved")
    assert (event["source"], event["subject"]) == ("urn:surehand:project:shop", "order/17")
    assert event["data"]["label"] == "positive"
    assert event["data"]["data"] == {"text": "text of order/17"}
    assert event["time"] == event["data"]["resolved_at"]
    feed = await queue.services[OutcomeService].feed(
        "shop", after=None, limit=9, brief=False, wait_seconds=0, gone=_stays
    )
    assert [event["data"]] == feed.model_dump(mode="json")["outcomes"]
    status = await queue.status()
    assert (status.pending, status.delivered, status.failed) == (0, 1, 0)
    assert status.last_success_at == queue.clock.moment


async def _stays() -> bool:
    return False


@pytest.mark.any_database
async def test_each_later_revision_is_a_correction(queue: QueueParts, receiver: Receiver) -> None:
    await queue.put(hook(receiver))
    await queue.resolve("a")
    await queue.services[DecisionService].reopen("shop", task_id_for("shop", "a"), "o1")
    await queue.resolve("a")
    await queue.pump()
    seen = {
        message.event["data"]["revision"]: (message.event["type"], message.event["data"]["label"])
        for message in receiver.received
    }
    assert seen == {
        1: ("outcome.resolved", "positive"),
        2: ("outcome.corrected", None),
        3: ("outcome.corrected", "positive"),
    }


async def test_what_is_still_to_be_sent_of_an_erased_item_has_no_content(
    queue: QueueParts, receiver: Receiver
) -> None:
    receiver.script = [saying(503)]
    await queue.put(hook(receiver))
    await queue.resolve("a")
    await queue.pump()
    assert receiver.received[0].event["data"]["data"] == {"text": "text of a"}
    await queue.services[ErasureService].erase("shop", "a", reason=None, operator="o1")
    queue.clock.advance(3600)
    await queue.pump()
    told = [message.event for message in receiver.received[1:]]
    assert {event["type"] for event in told} == {"outcome.resolved", "outcome.corrected"}
    for event in told:
        assert (event["data"]["data"], event["data"]["erased"]) == ({}, True)
    assert (await queue.status()).pending == 0


async def test_receiver_gets_only_the_events_that_it_names(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver, events=["outcome.corrected"]))
    await queue.resolve("a")
    assert (await queue.status()).pending == 0
    await queue.services[DecisionService].reopen("shop", task_id_for("shop", "a"), "o1")
    assert (await queue.status()).pending == 1
    await queue.pump()
    assert receiver.kinds == ["outcome.corrected"]


@pytest.mark.any_database
async def test_new_receiver_gets_what_is_committed_from_then_on(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put()
    await queue.resolve("before")
    await queue.put(hook(receiver))
    await queue.resolve("after")
    await queue.pump()
    assert [message.event["subject"] for message in receiver.received] == ["after"]


@pytest.mark.any_database
async def test_projects_keep_to_their_own_receivers(queue: QueueParts, receiver: Receiver) -> None:
    async with receiving() as other:
        await queue.put(hook(receiver))
        await queue.put(hook(other, secret_ref="other_hook"), project="other")
        await queue.resolve("a")
        await queue.resolve("b", "c", project="other")
        await queue.pump()
        assert [message.event["subject"] for message in receiver.received] == ["a"]
        assert sorted(message.event["subject"] for message in other.received) == ["b", "c"]


async def test_failed_delivery_comes_again_under_its_id_when_its_wait_is_over(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(500), saying(302, location="/elsewhere")]
    await queue.resolve("a")
    await queue.pump(queue.relay(draw=0.5))
    for attempts in (1, 2):
        assert len(receiver.received) == attempts
        status = await queue.status()
        assert (status.pending, status.delivered) == (1, 0)
        wait = ceiling_seconds(attempts) * 0.5
        queue.clock.advance(wait - 1)
        await queue.pump(queue.relay(draw=0.5))
        assert len(receiver.received) == attempts
        queue.clock.advance(1)
        await queue.pump(queue.relay(draw=0.5))
    assert status.last_error == "302 Found"
    assert len({message.message_id for message in receiver.received}) == 1
    assert len({message.body for message in receiver.received}) == 1
    receiver.received[-1].verified(queue.secret)
    status = await queue.status()
    assert (status.pending, status.delivered) == (0, 1)


async def test_delivery_is_given_up_and_counted_after_the_last_attempt(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.always = saying(503)
    await queue.resolve("a")
    await queue.pump()
    async with queue.database.transaction() as session:
        await session.execute(update(DeliveryRow).values(attempts=MAX_ATTEMPTS - 2))
    for _ in range(2):
        assert (await queue.status()).failed == 0
        queue.clock.advance(ceiling_seconds(MAX_ATTEMPTS))
        await queue.pump()
    status = await queue.status()
    assert (status.pending, status.failed, status.state) == (0, 1, "enabled")
    assert status.last_error == "503 Service Unavailable"
    queue.clock.advance(ceiling_seconds(MAX_ATTEMPTS))
    await queue.pump()
    assert len(receiver.received) == 3


async def test_delivery_whose_attempts_all_ended_the_service_is_given_up(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(500)]
    await queue.resolve("a")
    await queue.pump()
    async with queue.database.transaction() as session:
        await session.execute(update(DeliveryRow).values(attempts=MAX_ATTEMPTS))
    queue.clock.advance(ceiling_seconds(1))
    await queue.pump()
    assert len(receiver.received) == 1
    assert (await queue.status()).failed == 1


async def test_event_of_an_item_that_is_gone_is_not_sent(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(500)]
    await queue.resolve("a")
    await queue.pump()
    async with queue.database.transaction() as session:
        await session.execute(delete(OutcomeRow))
    queue.clock.advance(ceiling_seconds(1))
    await queue.pump()
    status = await queue.status()
    assert (len(receiver.received), status.pending, status.failed) == (1, 0, 0)


@pytest.mark.any_database
async def test_gone_disables_the_webhook_until_it_is_enabled(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(410)]
    await queue.resolve("a")
    await queue.pump()
    await queue.resolve("b")
    queue.clock.advance(7 * 86_400)
    await queue.pump()
    assert len(receiver.received) == 1
    status = await queue.status()
    assert (status.state, status.pending, status.last_error) == ("disabled", 2, "410 Gone")
    enabled = await queue.services[WebhookService].enable("shop", status.webhook_id)
    assert (enabled.state, enabled.pending) == ("enabled", 2)
    await queue.pump()
    assert sorted(message.event["subject"] for message in receiver.received[1:]) == ["a", "b"]


async def test_a_disabled_webhook_keeps_deliveries_as_long_as_the_project_keeps_data(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(410)]
    await queue.resolve("a")
    await queue.pump()
    await queue.resolve("b")
    queue.clock.advance(89 * 86_400)
    await queue.pump()
    assert (await queue.status()).pending == 2
    queue.clock.advance(2 * 86_400)
    await queue.pump()
    status = await queue.status()
    # Of b there is no delivery yet: the webhook goes on behind it once it is enabled.
    assert (status.state, status.pending, status.failed) == ("disabled", 1, 1)
    await queue.services[WebhookService].enable("shop", status.webhook_id)
    await queue.pump()
    await queue.pump()
    assert [message.event["subject"] for message in receiver.received] == ["a", "b"]


async def test_receiver_that_asks_for_a_pause_gets_nothing_before_its_end(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(429, retry_after="120")]
    await queue.resolve("a")
    await queue.pump()
    await queue.resolve("b")
    queue.clock.advance(119)
    await queue.pump()
    assert len(receiver.received) == 1
    assert (await queue.status()).resume_at == queue.clock.moment + timedelta(seconds=1)
    queue.clock.advance(1)
    await queue.pump()
    assert sorted(message.event["subject"] for message in receiver.received[1:]) == ["a", "b"]


@pytest.mark.any_database
async def test_slow_receiver_does_not_hold_up_another(
    queue: QueueParts, receiver: Receiver
) -> None:
    released = asyncio.Event()

    async def slow() -> Response:
        await released.wait()
        return Response(status_code=204)

    async with receiving() as other:
        receiver.always = slow
        await queue.put(hook(receiver), hook(other))
        relay = queue.relay()
        await queue.resolve(*(f"item-{number}" for number in range(12)))

        async def quick_one_has(count: int) -> bool:
            await relay.round()
            return (await queue.statuses())[1].delivered == count

        await wait_until(lambda: quick_one_has(12))
        await queue.resolve("later")
        await wait_until(lambda: quick_one_has(13))
        assert len(other.received) == 13
        assert (await queue.statuses())[0].delivered == 0
        released.set()
        await relay.settled()
    assert len(receiver.received) == 13
    assert [status.delivered for status in await queue.statuses()] == [13, 13]


async def test_relay_that_dies_between_send_and_record_has_the_event_sent_again(
    queue: QueueParts, receiver: Receiver
) -> None:
    never = asyncio.Event()

    async def silent() -> Response:
        await never.wait()
        return Response(status_code=204)

    await queue.put(hook(receiver))
    receiver.script = [silent]
    await queue.resolve("a")
    relay = queue.relay()
    await relay.round()
    await wait_until(lambda: receiver.received)
    for task in [*relay._serving.values()]:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    never.set()
    # Nobody else takes it while the claim may still be somebody's.
    queue.clock.advance(CLAIM.total_seconds() - 1)
    await queue.pump()
    assert len(receiver.received) == 1
    queue.clock.advance(1)
    await queue.pump()
    first, again = receiver.received
    assert first.message_id == again.message_id
    assert (await queue.status()).delivered == 1


@pytest.mark.thorough
async def test_two_relays_at_once_send_each_event_once(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    items = [f"item-{number}" for number in range(30)]
    await queue.resolve(*items)
    await queue.pump(*(queue.relay() for _ in range(3)))
    while (await queue.status()).pending:
        await queue.pump(*(queue.relay() for _ in range(3)))
    subjects = [message.event["subject"] for message in receiver.received]
    assert sorted(subjects) == sorted(items)
    assert (await queue.status()).delivered == 30


async def test_late_failure_does_not_undo_a_newer_claim(
    queue: QueueParts, receiver: Receiver
) -> None:
    released = asyncio.Event()

    async def late() -> Response:
        await released.wait()
        return Response(status_code=500)

    await queue.put(hook(receiver))
    receiver.script = [late]
    await queue.resolve("a")
    relay = queue.relay(draw=0)
    await relay.round()
    await wait_until(lambda: receiver.received)
    # Its claim is over before it is done, as after a long halt of the process.
    queue.clock.advance(CLAIM.total_seconds())
    await queue.pump()
    released.set()
    await relay.settled()
    status = await queue.status()
    assert (status.pending, status.delivered) == (0, 1)
    await queue.pump()
    assert len(receiver.received) == 2


async def test_webhook_that_is_left_out_is_forgotten_with_what_it_had_not_got(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(500)]
    await queue.resolve("a")
    await queue.pump()
    await queue.put()
    assert await queue.statuses() == []
    queue.clock.advance(60)
    await queue.put(hook(receiver))
    await queue.pump()
    assert len(receiver.received) == 1
    assert (await queue.status()).pending == 0


@pytest.mark.any_database
async def test_webhook_that_stays_keeps_its_state_and_place(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(410)]
    await queue.resolve("a")
    await queue.pump()
    before = await queue.status()
    await queue.put(hook(receiver, events=["outcome.resolved"]))
    after = await queue.status()
    assert after == before.model_copy(update={"events": ["outcome.resolved"]})


@pytest.mark.any_database
async def test_replaced_secret_signs_beside_the_old_one_then_alone(
    queue: QueueParts, receiver: Receiver, settings: ReviewQueueSettings
) -> None:
    file, new = settings.webhook_secrets_dir / "shop_hook", new_secret()
    await queue.put(hook(receiver))
    file.write_text(f"{new}\n{queue.secret}\n")
    await queue.resolve("a")
    await queue.pump()
    for secret in (new, queue.secret):
        assert receiver.received[0].verified(secret)
    file.write_text(new)
    await queue.resolve("b")
    await queue.pump()
    receiver.received[1].verified(new)
    with pytest.raises(Exception, match="signature"):
        receiver.received[1].verified(queue.secret)


@pytest.mark.any_database
async def test_secret_that_vanishes_is_a_failure_that_heals(
    queue: QueueParts, receiver: Receiver, settings: ReviewQueueSettings
) -> None:
    file = settings.webhook_secrets_dir / "shop_hook"
    await queue.put(hook(receiver))
    file.unlink()
    await queue.resolve("a")
    await queue.pump()
    assert receiver.received == []
    assert "secret_ref" in str((await queue.status()).last_error)
    file.write_text(queue.secret)
    queue.clock.advance(ceiling_seconds(1))
    await queue.pump()
    assert receiver.kinds == ["outcome.resolved"]


@pytest.mark.any_database
async def test_nothing_is_signed_with_the_secret_of_another_project(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    async with queue.database.transaction() as session:
        # As the release before let a project state it.
        await session.execute(update(WebhookRow).values(secret_ref="other_hook"))
    await queue.resolve("a")
    await queue.pump()
    assert receiver.received == []
    assert str((await queue.status()).last_error).startswith("secret_ref must begin with SHOP_ ")


@pytest.mark.thorough
@examples(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=st.lists(st.sampled_from([204, 500, 404, 429]), max_size=12))
@pytest.mark.any_database
async def test_whatever_the_receiver_answers_it_gets_every_event_at_least_once(
    queue: QueueParts, receiver: Receiver, answers: list[int]
) -> None:
    await queue.put()
    await queue.put(hook(receiver))
    receiver.received.clear()
    receiver.script = [saying(status) for status in answers]
    await queue.resolve("a")
    await queue.services[DecisionService].reopen("shop", task_id_for("shop", "a"), "o1")
    for _ in range(len(answers) + 2):
        await queue.pump(queue.relay(), queue.relay())
        queue.clock.advance(ceiling_seconds(MAX_ATTEMPTS))
    status = await queue.status()
    assert (status.pending, status.delivered, status.failed) == (0, 2, 0)
    expected = 2 + sum(status != 204 for status in answers[: len(receiver.received)])
    assert len(receiver.received) == expected


async def test_events_after_a_restore_have_ids_that_no_lost_event_had(
    queue: QueueParts, receiver: Receiver, common: CommonSettings
) -> None:
    await queue.put(hook(receiver))
    await queue.resolve("a")
    await queue.pump()
    await declare_restored(common, queue.database)
    await queue.resolve("b")
    await queue.pump()
    before, after = (message.message_id for message in receiver.received)
    assert before == f"{task_id_for('shop', 'a')}-1"
    name, _, epoch = after.rpartition("-")
    assert name == f"{task_id_for('shop', 'b')}-1"
    assert int(epoch) >= int(queue.clock().timestamp())
