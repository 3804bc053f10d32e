"""The shadow stage with the real review queue: live decisions in, blind verdicts, a judgement."""

import gzip
from typing import Any

import orjson
import pytest

from shared.auth import Keys
from shared.contracts.base import utc_now
from shared.contracts.versions import Channels
from shared.settings import CommonSettings
from shared.store import channels_path
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, review, run_trainer_and_queue, truth
from tests.harness.trainer_parts import decision

pytestmark = pytest.mark.thorough
LIVE = range(5000, 5100)


def contrary(data: dict[str, Any]) -> str:
    return "negative" if truth(data) == "positive" else "positive"


async def test_live_disagreements_make_a_better_version_that_passed_the_champion(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project(training={"gate": {"shadow": {"labels": 40}}})
        await both.import_pool(0, 400)
        await both.label_and_train()
        await both.certificate("certified", answering=True)
        await both.label_and_train()

        async def stage() -> Any:
            await both.answer_all()
            found = (await both.get("shadow-stages"))["stages"]
            return found[0] if found else None

        assert (await wait_until(stage))["state"] == "running"
        # The champion's suggestions, as the routers logged them, are wrong on each fourth item.
        rows = []
        for i in LIVE:
            label = contrary(review(i)) if i % 4 == 0 else truth(review(i))
            said = {"suggestion": label, "model_version": "v1", "reason": "below_threshold"}
            rows.append(decision(i, utc_now(), **said))
        body = gzip.compress(b"\n".join(map(orjson.dumps, rows)))
        day = utc_now().date().isoformat()
        await both.store.write(f"{PROJECT}/decisions/{day}/r-1.jsonl.gz", body)

        async def judged() -> Any:
            found = await stage()
            return found if found["state"] != "running" else None

        found = await wait_until(judged)
        assert found["state"] == "passed"
        assert found["figures"]["gained"] == found["figures"]["reviewed"]

        async def champion() -> bool:
            # The stage is judged a moment before the document is written.
            channels = await both.store.read_document(channels_path(PROJECT), Channels)
            return channels is not None and channels.champion == "v2"

        await wait_until(champion)

        async def none_is_open() -> bool:
            wanted = {"lane": "shadow", "state": "open"}
            found = await both.queue.get(f"/v1/projects/{PROJECT}/tasks", params=wanted)
            return not found.json()["tasks"]

        await wait_until(none_is_open)
        tasks = await both.queue.get(f"/v1/projects/{PROJECT}/tasks", params={"lane": "shadow"})
        assert 0 < len(tasks.json()["tasks"]) <= 25
