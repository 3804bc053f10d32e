"""The history of deliveries, and events that are sent again."""

from typing import Any

import pytest
from sqlalchemy import delete, update

from services.review_queue.erasure.service import ErasureService
from services.review_queue.tables import ProjectRow
from services.review_queue.tables.webhooks import DeliveryRow
from services.review_queue.webhooks import retention
from services.review_queue.webhooks.messages import WebhookDelivery
from services.review_queue.webhooks.schedule import MAX_ATTEMPTS, ceiling_seconds
from services.review_queue.webhooks.service import WebhookService
from shared.contracts.base import new_id, task_id_for
from shared.http.lists import encode_cursor
from shared.problems import Conflict, NotFound
from tests.harness import wait_until
from tests.harness.desk import Desk, body_of, entry, problem_of
from tests.integration.review_queue.webhooks.receiver import QueueParts, Receiver, hook, saying

_DAY = 86_400.0


async def deliveries(queue: QueueParts, **wanted: Any) -> list[WebhookDelivery]:
    """Every delivery of the project, read two at a time."""
    asked = {"state": None, "webhook_id": None, "limit": 2} | wanted
    found: list[WebhookDelivery] = []
    after = None
    while True:
        page = await queue.services[WebhookService].deliveries("shop", after=after, **asked)
        found += page.deliveries
        after = page.cursor
        if after is None:
            return found


async def give_up(queue: QueueParts) -> None:
    """Let what waits be at its last attempt, and fail."""
    async with queue.database.transaction() as session:
        await session.execute(update(DeliveryRow).values(attempts=MAX_ATTEMPTS - 1))
    queue.clock.advance(ceiling_seconds(MAX_ATTEMPTS))
    await queue.pump()


async def test_each_attempt_is_noted_on_the_line_of_its_event(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(503)]
    await queue.resolve("order/17")
    assert await deliveries(queue) == []
    await queue.pump()
    (waiting,) = await deliveries(queue)
    began = queue.clock.moment
    assert (waiting.event, waiting.subject) == ("outcome.resolved", "order/17")
    assert waiting.event_id == receiver.received[0].message_id
    assert (waiting.state, waiting.status, waiting.attempts) == ("waiting", 503, 1)
    assert (waiting.url, waiting.error) == (receiver.url, "503 Service Unavailable")
    assert waiting.first_attempt_at == waiting.last_attempt_at == began
    assert waiting.next_attempt_at is not None
    queue.clock.advance((waiting.next_attempt_at - began).total_seconds())
    await queue.pump()
    (delivered,) = await deliveries(queue)
    assert (delivered.state, delivered.status, delivered.attempts) == ("delivered", 204, 2)
    assert (delivered.error, delivered.next_attempt_at) == (None, None)
    assert delivered.first_attempt_at == began
    assert delivered.last_attempt_at == waiting.next_attempt_at


async def test_deliveries_page_newest_first_and_by_state_and_webhook(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver), hook(receiver, url=receiver.url + "&second"))
    for number in range(3):
        await queue.resolve(f"item-{number}")
        await queue.pump()
        queue.clock.advance(1)
    receiver.always = saying(500)
    await queue.resolve("late")
    await queue.pump()
    listed = await deliveries(queue)
    assert [one.subject for one in listed[::2]] == ["late", "item-2", "item-1", "item-0"]
    assert len({one.delivery_id for one in listed}) == len(listed) == 8
    assert {one.subject for one in await deliveries(queue, state="waiting")} == {"late"}
    assert len(await deliveries(queue, state="delivered")) == 6
    assert await deliveries(queue, state="failed") == []
    of_one = await deliveries(queue, webhook_id=listed[0].webhook_id)
    assert len(of_one) == 4
    assert {one.url for one in of_one} == {listed[0].url}
    for unknown in (new_id(), "no id\0"):
        assert await deliveries(queue, webhook_id=unknown) == []


async def test_event_that_was_given_up_is_sent_again_under_its_id(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.always = saying(500)
    await queue.resolve("a")
    await queue.pump()
    await give_up(queue)
    (failed,) = await deliveries(queue, state="failed")
    assert (failed.attempts, failed.next_attempt_at) == (MAX_ATTEMPTS, None)
    retried = await queue.services[WebhookService].retry("shop", failed.delivery_id)
    assert (retried.state, retried.next_attempt_at) == ("waiting", queue.clock.moment)
    # Twice does what once does.
    assert await queue.services[WebhookService].retry("shop", failed.delivery_id) == retried
    await queue.pump()
    (waiting,) = await deliveries(queue)
    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    receiver.script = [saying(204)]
    await queue.services[WebhookService].retry("shop", failed.delivery_id)
    await queue.pump()
    (delivered,) = await deliveries(queue)
    assert (delivered.state, delivered.attempts) == ("delivered", 2)
    assert len({message.message_id for message in receiver.received}) == 1
    assert (await queue.status()).pending == 0


async def test_delivered_event_can_be_sent_once_more(queue: QueueParts, receiver: Receiver) -> None:
    await queue.put(hook(receiver))
    await queue.resolve("a")
    await queue.pump()
    (delivered,) = await deliveries(queue)
    await queue.services[WebhookService].retry("shop", delivered.delivery_id)
    await queue.pump()
    first, again = receiver.received
    assert first.body == again.body
    (line,) = await deliveries(queue)
    assert (line.state, line.attempts) == ("delivered", 1)


async def test_event_that_another_release_has_ended_unnoted_can_be_sent_again(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(503)]
    await queue.resolve("a")
    await queue.pump()
    async with queue.database.transaction() as session:
        await session.execute(delete(DeliveryRow))
    (waiting,) = await deliveries(queue)
    await queue.services[WebhookService].retry("shop", waiting.delivery_id)
    await queue.pump()
    (line,) = await deliveries(queue)
    assert (line.state, line.attempts) == ("delivered", 1)


@pytest.mark.any_database
async def test_disabled_webhook_shows_no_next_attempt_and_refuses_retries(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(410)]
    await queue.resolve("a")
    await queue.pump()
    (line,) = await deliveries(queue)
    assert (line.state, line.status, line.next_attempt_at) == ("waiting", 410, None)
    with pytest.raises(Conflict, match="enable"):
        await queue.services[WebhookService].retry("shop", line.delivery_id)
    await queue.services[WebhookService].enable("shop", line.webhook_id)
    await queue.pump()
    assert [one.state for one in await deliveries(queue)] == ["delivered"]


async def test_what_a_disabled_webhook_lost_by_age_is_listed_as_failed(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(410)]
    await queue.resolve("a")
    await queue.pump()
    queue.clock.advance(91 * _DAY)
    await retention.give_up_overdue(queue.database, queue.clock.moment)
    (line,) = await deliveries(queue)
    assert (line.state, line.next_attempt_at) == ("failed", None)
    assert line.error == "the webhook was disabled for longer than retention_days"


async def test_history_is_bounded_in_number_and_age(
    queue: QueueParts, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(retention._MOST, "delivered", 2)
    await queue.put(hook(receiver))
    for number in range(4):
        await queue.resolve(f"item-{number}")
        await queue.pump()
        queue.clock.advance(1)
    webhook_id = (await queue.status()).webhook_id
    await retention.trim_history(queue.database, webhook_id)
    assert [one.subject for one in await deliveries(queue)] == ["item-3", "item-2"]
    receiver.always = saying(410)
    await queue.resolve("waits")
    await queue.pump()
    queue.clock.advance(30 * _DAY)
    await retention.forget_old_history(queue.database, queue.clock.moment)
    # What still waits is kept however old it is.
    assert [one.subject for one in await deliveries(queue)] == ["waits"]


async def test_webhooks_of_a_project_that_is_being_deleted_do_not_stop_retention(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(503)]
    await queue.resolve("a")
    await queue.pump()
    queue.clock.advance(91 * _DAY)
    async with queue.database.transaction() as session:
        await session.execute(update(ProjectRow).values(deleted_at=queue.clock.moment))
    assert await retention.give_up_overdue(queue.database, queue.clock.moment) == 0
    await retention.forget_old_history(queue.database, queue.clock.moment)


@pytest.mark.any_database
async def test_history_of_an_erased_item_keeps_no_words_of_the_receiver(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    receiver.script = [saying(500), saying(500)]
    await queue.resolve("a", "b")
    await queue.pump()
    await queue.services[ErasureService].erase("shop", "a", reason=None, operator="o1")
    lines = {one.subject: one for one in await deliveries(queue)}
    assert (lines["a"].error, lines["a"].status, lines["a"].state) == (None, 500, "waiting")
    assert lines["b"].error == "500 Internal Server Error"


async def test_webhook_that_is_left_out_takes_its_history_with_it(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    await queue.resolve("a")
    await queue.pump()
    assert len(await deliveries(queue)) == 1
    await queue.put()
    assert await deliveries(queue) == []


@pytest.mark.any_database
async def test_only_deliveries_of_the_project_are_found(
    queue: QueueParts, receiver: Receiver
) -> None:
    await queue.put(hook(receiver))
    await queue.put(hook(receiver, secret_ref="other_hook"), project="other")
    await queue.resolve("a")
    await queue.pump()
    (line,) = await deliveries(queue)
    for project, key in (("other", line.delivery_id), ("shop", new_id()), ("shop", "a\0b")):
        with pytest.raises(NotFound):
            await queue.services[WebhookService].retry(project, key)


@pytest.mark.own_desk
@pytest.mark.any_database
async def test_operators_list_and_retry_over_http(desk: Desk, receiver: Receiver) -> None:
    await desk.put_project(webhooks=[hook(receiver)])
    await desk.post(entry("a"))
    await desk.answer("r1", "negative")
    task_id = task_id_for("shop", "a")
    path = "/v1/projects/shop/webhooks/deliveries"
    line = await desk_line(desk, path)
    assert (line["event_id"], line["subject"]) == (f"{task_id}-1", "a")
    for who in (desk.service, desk.reviewer("r1")):
        problem_of(await who.get(path), 403, "forbidden")
    problem_of(await desk.operator.get(path, params={"state": "x"}), 422, "unprocessable")
    for moment in ("x", "2026-11-28T08:00:00", "0001-01-01T00:00:00+14:00"):
        forged = {"after": encode_cursor(f"{moment} {new_id()}")}
        problem_of(await desk.operator.get(path, params=forged), 422, "unprocessable")
    retried = body_of(await desk.operator.post(f"{path}/{line['delivery_id']}/retry"))
    assert retried["state"] == "waiting"
    log = body_of(await desk.operator.get("/v1/projects/shop/activity", params={"limit": 1}))
    (done,) = log["activity"]
    assert (done["action"], done["target"]) == ("webhook.retried", line["webhook_id"])
    assert done["detail"] == {"event_id": line["event_id"]}


async def desk_line(desk: Desk, path: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    async def listed() -> bool:
        answer = await desk.operator.get(path, params={"state": "delivered"})
        found[:] = body_of(answer)["deliveries"]
        return bool(found)

    await wait_until(listed)
    return found[0]
