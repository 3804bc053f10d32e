"""What the trainer shows of itself is what is in its database."""

import jwt
import pytest
from prometheus_client import REGISTRY

from services.trainer.measuring import TrainerMeasurement
from services.trainer.outcomes.service import read_feed
from services.trainer.watch.lasting import renew_watch
from shared.auth import Keys, show_token_expiry
from shared.contracts.base import utc_now
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import open_trainer_parts
from tests.integration.trainer.promise.test_certification import prepare


def value(name: str, **labels: str) -> float | None:
    """Return one of the project's series, None if it is not shown."""
    return REGISTRY.get_sample_value(f"surehand_trainer_{name}", {"project": PROJECT, **labels})


async def test_promise_certificate_and_watch_are_shown_until_they_end(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await prepare(parts)
        parts.queue.answer(truth)
        await parts.step()
        measurement = TrainerMeasurement(parts.resources)
        await renew_watch(parts.resources, parts.project, parts.clock.moment)
        await measurement.measure()
        champion = {"version": "v1", "role": "champion"}
        assert value("promise_info", **champion, state="certified") == 1
        entry = (await parts.promise()).versions["v1"]
        assert entry.expires_at is not None
        expires = value("certificate_expires_timestamp_seconds", version="v1")
        # The document has milliseconds.
        assert expires == pytest.approx(entry.expires_at.timestamp(), abs=0.001)
        grace = parts.project.promise.watch_grace_seconds
        watched = value("watched_until_timestamp_seconds")
        assert watched == pytest.approx(parts.clock().timestamp() + grace, abs=0.001)
        assert value("runs_items", state="succeeded") == 1
        parts.clock.advance(days=parts.project.promise.expires_days + 1)
        await measurement.measure()
        assert value("promise_info", **champion, state="expired") == 1
        assert value("promise_info", **champion, state="certified") is None
        measurement.clear()
        assert value("watched_until_timestamp_seconds") is None


async def test_audits_are_shown_as_waiting_right_and_wrong(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        answered = {"decision": "answered", "label": "positive", "reason": "confident"}
        await parts.log_decisions(range(10), "a", **answered, audited=True, model_version="v1")
        await parts.read_ledger()
        for i, label in enumerate(["positive"] * 6 + ["negative", None]):
            parts.queue.resolve(f"item-{i}", review(i), label, lane="audit")
        before = utc_now().timestamp()
        await read_feed(parts.resources, PROJECT)
        measurement = TrainerMeasurement(parts.resources)
        await measurement.measure()
        shown = {
            result: value("audits_items", version="v1", result=result)
            for result in ("waiting", "right", "wrong")
        }
        assert shown == {"waiting": 2, "right": 6, "wrong": 2}
        read_at = value("feed_read_timestamp_seconds")
        assert read_at is not None
        assert read_at >= before
        measurement.clear()


def test_the_expiry_of_a_services_own_token_is_shown(keys: Keys) -> None:
    token = keys.issue("service", "trainer")
    show_token_expiry("trainer", token)
    show_token_expiry("trainer", "no token")
    expires = jwt.decode(token, options={"verify_signature": False})["exp"]
    name = "surehand_service_token_expires_timestamp_seconds"
    assert REGISTRY.get_sample_value(name, {"service": "trainer"}) == expires
