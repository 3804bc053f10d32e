"""Webhooks as operators meet them: over HTTP, with the service's own worker."""

import asyncio

import pytest
from fastapi import Response

from services.review_queue.app import create_app
from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.contracts.projects import Project
from shared.settings import CommonSettings
from shared.store import Store, project_path
from tests.harness import client, serve, wait_until
from tests.harness.clock import Clock
from tests.harness.desk import PROJECT, Desk, Json, body_of, entry, open_desk, problem_of
from tests.integration.review_queue.webhooks.receiver import (
    Receiver,
    hook,
    new_secret,
    saying,
)

pytestmark = pytest.mark.own_desk

WEBHOOKS = "/v1/projects/shop/webhooks"


async def the_webhook(desk: Desk) -> Json:
    (webhook,) = body_of(await desk.operator.get(WEBHOOKS))["webhooks"]
    return dict(webhook)


async def test_verdict_is_told_to_the_receiver_at_once(
    desk: Desk, receiver: Receiver, settings: ReviewQueueSettings, common: CommonSettings
) -> None:
    secret = (settings.webhook_secrets_dir / "shop_hook").read_text().strip()
    project = await desk.put_project(webhooks=[hook(receiver)])
    assert project["webhooks"] == [hook(receiver, events=None)]
    stored = await Store(common.store_address).read_document(project_path("shop"), Project)
    assert stored is not None
    assert stored.webhooks[0].url == receiver.url
    await desk.post(entry("a"))
    await desk.answer("r1", "negative")
    await wait_until(lambda: receiver.received)
    (message,) = receiver.received
    assert message.verified(secret)["data"] == await desk.newest("a")

    async def recorded() -> bool:
        return bool((await the_webhook(desk))["delivered"])

    await wait_until(recorded)
    webhook = await the_webhook(desk)
    assert (webhook["state"], webhook["pending"], webhook["failed"]) == ("enabled", 0, 0)
    assert webhook["last_success_at"].endswith("Z")
    assert webhook["last_error"] is None


async def test_gone_receiver_is_disabled_tried_and_enabled(desk: Desk, receiver: Receiver) -> None:
    await desk.put_project(webhooks=[hook(receiver)])
    receiver.script = [saying(410), saying(500)]
    await desk.post(entry("a"))
    await desk.answer("r1", "negative")

    async def disabled() -> bool:
        return bool((await the_webhook(desk))["state"] == "disabled")

    await wait_until(disabled)
    webhook = await the_webhook(desk)
    assert (webhook["pending"], webhook["last_error"]) == (1, "410 Gone")
    route = f"{WEBHOOKS}/{webhook['webhook_id']}"
    failed = body_of(await desk.operator.post(f"{route}/test"))
    assert (failed["delivered"], failed["status"]) == (False, 500)
    tried = body_of(await desk.operator.post(f"{route}/test"))
    assert (tried["delivered"], tried["status"], tried["error"]) == (True, 204, None)
    test = receiver.received[-1].event
    assert (test["type"], test["id"]) == ("webhook.test", tried["event_id"])
    assert test["data"] == {"webhook_id": webhook["webhook_id"]}
    assert (await the_webhook(desk))["state"] == "disabled"
    assert body_of(await desk.operator.post(f"{route}/enable"))["state"] == "enabled"
    log = body_of(await desk.operator.get("/v1/projects/shop/activity", params={"limit": 3}))
    done = [(one["action"], one["target"]) for one in log["activity"]]
    tested = ("webhook.tested", webhook["webhook_id"])
    assert done == [("webhook.enabled", webhook["webhook_id"]), tested, tested]
    await wait_until(lambda: receiver.kinds.count("outcome.resolved") == 2)


@pytest.mark.thorough
async def test_metrics_count_what_was_delivered_and_what_waits(
    desk: Desk, receiver: Receiver
) -> None:
    await desk.put_project("counted", webhooks=[hook(receiver, secret_ref="counted_hook")])
    receiver.script = [saying(500)]
    await desk.post(entry("a"), project="counted")
    task = (await desk.service.get("/v1/projects/counted/tasks")).json()["tasks"][0]["task_id"]
    given = {"reviewer": "r1", "label": "negative"}
    url = f"/v1/projects/counted/tasks/{task}/verdicts"
    before = await value(desk, "webhooks_delivered_total")
    again = await value(desk, "webhook_retries_total")
    body_of(await desk.service.post(url, json=given))

    async def waits() -> bool:
        (webhook,) = body_of(await desk.operator.get("/v1/projects/counted/webhooks"))["webhooks"]
        counted = await value(desk, "webhook_pending_entries")
        return bool(webhook["last_error"] and counted == webhook["pending"] == 1)

    await wait_until(waits)
    desk.clock.advance(60)

    async def delivered() -> bool:
        return (
            await value(desk, "webhooks_delivered_total") == before + 1
            and await value(desk, "webhook_pending_entries") == 0
        )

    await wait_until(delivered)
    assert await value(desk, "webhook_retries_total") == again + 1


async def value(desk: Desk, name: str) -> float:
    line = f'surehand_review_queue_{name}{{project="counted"}} '
    text = (await desk.operator.get("/metrics")).text
    found = [float(row.removeprefix(line)) for row in text.splitlines() if row.startswith(line)]
    return found[0] if found else 0.0


BAD_WEBHOOKS: list[tuple[Json, str]] = [
    ({"url": "ftp://example.org/"}, "/url"),
    ({"url": "https://"}, "/url"),
    ({"url": "https://user:pass@example.org/"}, "/url"),
    ({"url": "https://example.org/#part"}, "/url"),
    ({"url": "https://example.org/a b"}, "/url"),
    ({"url": "https://example.org:99999/"}, "/url"),
    ({"url": "https://exämple.org/"}, "/url"),
    ({"url": "https://example.org/" + "a" * 2000}, "/url"),
    ({"secret_ref": "../etc/passwd"}, "/secret_ref"),
    ({"secret_ref": ".hidden"}, "/secret_ref"),
    ({"secret_ref": "whsec_AAAAAAAAAAAAAAAA"}, "/secret_ref"),
    ({"secret_ref": "shop_nowhere"}, "/secret_ref"),
    ({"secret_ref": "SHOP_WITHOUT_PREFIX"}, "/secret_ref"),
    ({"events": []}, "/events"),
    ({"events": ["promise.broken"]}, "/events/0"),
    ({"colour": "red"}, "/colour"),
]
GOOD = {"url": "https://example.org/", "secret_ref": "shop_hook"}


async def test_webhook_that_cannot_be_kept_is_refused_at_its_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_WITHOUT_PREFIX", "c2VjcmV0" * 8)
    for changes, pointer in BAD_WEBHOOKS:
        spec = PROJECT | {"webhooks": [GOOD | {"url": "https://a.org/"}, GOOD | changes]}
        answer = await desk.operator.put("/v1/projects/shop", json=spec)
        faults = problem_of(answer, 422, "unprocessable")["errors"]
        assert [fault["pointer"] for fault in faults] == [f"/webhooks/1{pointer}"], changes
        assert "c2VjcmV0" not in answer.text
    for webhooks in ([GOOD] * 2, [GOOD | {"url": f"https://e.org/{n}"} for n in range(11)]):
        answer = await desk.operator.put("/v1/projects/shop", json=PROJECT | {"webhooks": webhooks})
        (fault,) = problem_of(answer, 422, "unprocessable")["errors"]
        assert fault["pointer"] == "/webhooks"
    problem_of(await desk.operator.get("/v1/projects/shop"), 404, "not-found")


async def test_secret_may_be_a_variable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_HOOK", new_secret())
    stated = await desk.put_project(webhooks=[GOOD | {"secret_ref": "SHOP_HOOK"}])
    assert stated["webhooks"][0]["secret_ref"] == "SHOP_HOOK"


async def test_secret_of_another_project_is_refused_alike_whether_there_is_one_or_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH_LIKE", new_secret())
    monkeypatch.setenv("SUREHAND_HOOK", new_secret())
    answers = []
    foreign = ("other_hook", "other_none", "PATH_LIKE", "NO_PATH", "SUREHAND_HOOK", "shop__eu_hook")
    for name in foreign:
        spec = PROJECT | {"webhooks": [GOOD | {"secret_ref": name}]}
        answer = await desk.operator.put("/v1/projects/shop", json=spec)
        answers.append(problem_of(answer, 422, "unprocessable")["errors"])
    assert answers == [answers[0]] * len(foreign)
    (fault,) = answers[0]
    assert fault["pointer"] == "/webhooks/0/secret_ref"
    assert fault["detail"].startswith("must begin with SHOP_ ")


async def test_secret_that_the_setting_names_is_for_every_project(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    changes = {"webhook_shared_secrets": "none_such other_hook"}
    async with open_desk(common, settings.model_copy(update=changes), keys, clock) as desk:
        stated = await desk.put_project(webhooks=[GOOD | {"secret_ref": "other_hook"}])
        assert stated["webhooks"][0]["secret_ref"] == "other_hook"


async def test_private_receivers_are_refused_unless_the_setting_allows_them(
    common: CommonSettings,
    settings: ReviewQueueSettings,
    keys: Keys,
    clock: Clock,
    receiver: Receiver,
) -> None:
    strict = settings.model_copy(update={"webhooks_allow_private": False})
    async with open_desk(common, strict, keys, clock) as desk:
        for url in (
            receiver.url,
            "https://127.0.0.1/",
            "https://[::ffff:10.0.0.1]/",
            "http://a.org",
        ):
            webhooks = [{"url": url, "secret_ref": "shop_hook"}]
            answer = await desk.operator.put(
                "/v1/projects/shop", json=PROJECT | {"webhooks": webhooks}
            )
            (fault,) = problem_of(answer, 422, "unprocessable")["errors"]
            assert fault["pointer"] == "/webhooks/0/url"
        await desk.put_project(webhooks=[GOOD | {"url": "https://localhost/"}])
        webhook = await the_webhook(desk)
        tried = body_of(await desk.operator.post(f"{WEBHOOKS}/{webhook['webhook_id']}/test"))
        assert tried["error"] == "the name leads to an address that is not public"
    assert receiver.received == []


async def test_only_the_projects_own_webhooks_are_found(desk: Desk) -> None:
    await desk.put_project(webhooks=[GOOD])
    await desk.put_project("other", webhooks=[GOOD | {"secret_ref": "other_hook"}])
    mine = await the_webhook(desk)
    for what in ("test", "enable"):
        foreign = f"/v1/projects/other/webhooks/{mine['webhook_id']}/{what}"
        problem_of(await desk.operator.post(foreign), 404, "not-found")
        for name in ("nothing", "a%00b", "0" * 32):
            problem_of(await desk.operator.post(f"{WEBHOOKS}/{name}/{what}"), 404, "not-found")
    problem_of(await desk.operator.get("/v1/projects/none/webhooks"), 404, "not-found")


async def test_service_stops_while_a_receiver_keeps_it_waiting(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, receiver: Receiver
) -> None:
    released = asyncio.Event()

    async def slow() -> Response:
        await released.wait()
        return Response(status_code=204)

    receiver.script = [slow]
    app = create_app(common, settings)
    async with serve(app) as url, client(url, keys.issue("operator", "o")) as http:
        webhooks = {"webhooks": [hook(receiver)]}
        body_of(await http.put("/v1/projects/shop", json=PROJECT | webhooks), 201)
        body_of(await http.post("/v1/projects/shop/tasks", json={"tasks": [entry("a")]}))
        lease = body_of(await http.post("/v1/projects/shop/leases"))["leases"][0]
        body_of(await http.post(f"/v1/leases/{lease['token']}/verdict", json={"label": "positive"}))
        await wait_until(lambda: receiver.received)
        asyncio.get_running_loop().call_later(0.2, released.set)
    # What was on its way has arrived and is recorded: the next start sends nothing again.
    app = create_app(common, settings)
    async with serve(app) as url, client(url, keys.issue("operator", "o")) as http:
        (webhook,) = body_of(await http.get(WEBHOOKS))["webhooks"]
        assert (webhook["delivered"], webhook["pending"]) == (1, 0)
