"""What a real training, certification and promotion do reaches a receiver of webhooks."""

import pytest

from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, run_trainer_and_queue
from tests.integration.review_queue.webhooks.receiver import new_secret, receiving

pytestmark = pytest.mark.thorough


async def test_promotion_and_certificate_reach_a_receiver(
    common: CommonSettings, keys: Keys, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = new_secret()
    monkeypatch.setenv("TOYS_HOOK", secret)
    monkeypatch.setenv("SUREHAND_REVIEW_QUEUE_WEBHOOKS_ALLOW_PRIVATE", "true")
    events = ["version.promoted", "promise.changed"]
    async with receiving() as receiver, run_trainer_and_queue(common, keys, sqlite_url) as both:
        webhook = {"url": receiver.url, "secret_ref": "TOYS_HOOK", "events": events}
        await both.put_project(webhooks=[webhook])
        await both.import_pool(0, 200)
        await both.label_and_train()
        await wait_until(lambda: receiver.kinds == ["version.promoted"])
        promoted = receiver.received[0].verified(secret)
        assert promoted["source"] == f"urn:surehand:project:{PROJECT}"
        assert (promoted["data"]["version"], promoted["data"]["previous"]) == ("v1", None)
        await both.certificate("certified", answering=True)
        await wait_until(lambda: "promise.changed" in receiver.kinds)
    changed = [message.event for message in receiver.received][1]
    assert (changed["data"]["version"], changed["data"]["state"]) == ("v1", "certified")
    assert changed["data"]["threshold"] is not None
    assert receiver.kinds == events
