"""The loop over HTTP with the real review queue: pool, verdicts, model, certificate."""

from pathlib import Path

import pytest

from services.__main__ import main
from shared.auth import Keys
from shared.contracts.versions import Channels, PromiseDocument, PromiseEntry
from shared.settings import CommonSettings
from shared.store import channels_path, promise_path
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, TrainerAndQueue, run_trainer_and_queue

pytestmark = pytest.mark.thorough


async def _entry(both: TrainerAndQueue, version: str, state: str) -> PromiseEntry:
    """Wait until promise.json gives a version this state, and return its entry."""

    async def found() -> PromiseEntry | None:
        document = await both.store.read_document(promise_path(PROJECT), PromiseDocument)
        entry = None if document is None else document.versions.get(version)
        return entry if entry is not None and entry.state == state else None

    entry = await wait_until(found)
    assert entry is not None
    return entry


async def _wait_for_champion(both: TrainerAndQueue, version: str) -> None:
    async def is_live() -> bool:
        channels = await both.store.read_document(channels_path(PROJECT), Channels)
        return channels is not None and channels.champion == version

    await wait_until(is_live)


async def test_pool_becomes_a_certified_champion_and_then_another(
    common: CommonSettings, keys: Keys, postgres_url: str, tmp_path: Path
) -> None:
    async with run_trainer_and_queue(common, keys, postgres_url) as both:
        await both.put_project()
        imported = await both.import_pool(0, 400)
        assert (imported["imported"], imported["duplicates"], imported["rejected"]) == (400, 0, [])

        await both.label_and_train()
        await _wait_for_champion(both, "v1")
        await _entry(both, "v1", "uncertified")

        view = await both.certificate("certified", answering=True)
        assert (view["version"], view["attempt"]) == ("v1", 1)
        assert view["progress"] == {"answered": 40, "drawn": 40}
        certificate = (await _entry(both, "v1", "certified")).certificate
        assert certificate is not None
        assert (certificate.labels, certificate.errors) == (40, 0)
        assert certificate.population == "pool"
        exported = await both.trainer.get(f"/v1/projects/{PROJECT}/versions/v1/certificate/export")
        path = tmp_path / "certificate.ndjson"
        path.write_bytes(exported.content)
        assert main(["verify-certificate", str(path)]) == 0

        await both.label_and_train()
        response = await both.post("versions/v2/promote")
        assert response.status_code == 409
        assert response.json()["type"].endswith("not-certified")
        await _wait_for_champion(both, "v1")

        await both.certificate("certified", answering=True)
        await _wait_for_champion(both, "v2")
        response = await both.post("rollback")
        assert response.json()["champion"] == "v1"
        await _wait_for_champion(both, "v1")


async def test_last_verdict_is_live_by_the_doorbell_alone(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    # No polling to lean on: only the doorbell comes while the test waits.
    slow = common.model_copy(update={"poll_seconds": 3600})
    async with run_trainer_and_queue(slow, keys, sqlite_url) as both:
        await both.put_project()
        await both.import_pool(0, 200)
        await both.label_and_train()

        async def is_asked() -> bool:
            response = await both.queue.get(
                f"/v1/projects/{PROJECT}/tasks", params={"lane": "certification"}
            )
            return len(response.json()["tasks"]) == 40

        await wait_until(is_asked)
        assert await both.answer_all(39) == 39
        assert await both.answer_all(1) == 1

        await _entry(both, "v1", "certified")
