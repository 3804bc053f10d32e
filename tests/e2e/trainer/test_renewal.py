"""The worker renews a certificate by itself, with the real review queue, and no gap."""

from datetime import timedelta

import pytest

from shared.auth import Keys
from shared.contracts.versions import PromiseDocument, PromiseEntry
from shared.settings import CommonSettings
from shared.store import promise_path
from tests.harness import wait_until
from tests.harness.clock import ShiftedClock
from tests.harness.trainer_and_queue import PROJECT, TrainerAndQueue, run_trainer_and_queue

pytestmark = pytest.mark.thorough


async def _entry(both: TrainerAndQueue) -> PromiseEntry:
    document = await both.store.read_document(promise_path(PROJECT), PromiseDocument)
    assert document is not None
    return document.versions["v1"]


async def test_a_certificate_is_renewed_without_a_command_and_without_a_gap(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    clock = ShiftedClock()
    async with run_trainer_and_queue(common, keys, sqlite_url, now=clock) as both:
        await both.put_project(training={"min_new_labels": 60, "auto_promote": False})
        await both.import_pool(0, 400)
        await both.label_and_train()
        await both.certificate("certified", answering=True)

        async def certified() -> PromiseEntry | None:
            entry = await _entry(both)
            return entry if entry.state == "certified" else None

        old = await wait_until(certified)
        assert old is not None
        clock.ahead = timedelta(days=24)
        states = set()

        async def renewed() -> bool:
            await both.answer_all()
            entry = await _entry(both)
            states.add(entry.state)
            return entry.expires_at != old.expires_at

        await wait_until(renewed)
        new = await _entry(both)
        assert states == {"certified"}
        assert old.expires_at is not None
        assert new.expires_at is not None
        assert new.expires_at - old.expires_at > timedelta(days=23)
        assert new.certificate is not None
        # The renewal is the first test of the next period.
        assert new.certificate.attempt == 1


async def test_an_operator_asks_for_a_certification_over_http(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project(training={"min_new_labels": 10**6})
        await both.import_pool(0, 400)
        response = await both.post("pool/batches", {"strategy": "random", "size": 60})
        assert response.is_success
        await wait_until(lambda: _is_answered(both, 60))
        await both.post("runs", {"mode": "initial"})
        await both.certificate("certified", answering=True)
        response = await both.post("certify", {"version": None})
        assert response.status_code == 202, response.text
        assert response.json()["purpose"] == "requested"
        response = await both.post("certify", {"version": "v1"})
        assert response.status_code == 409
        assert response.json()["type"].endswith("certification-pending")
        view = await both.certificate("certified", answering=True)
        assert (view["purpose"], view["test_number"]) == ("requested", 2)


async def _is_answered(both: TrainerAndQueue, wanted: int) -> bool:
    await both.answer_all()
    return both.verdicts >= wanted
