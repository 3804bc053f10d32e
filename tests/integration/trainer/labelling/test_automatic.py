"""A pool that labels itself: batches, training, further batches, and a stop."""

from typing import Any

from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.trainer_and_queue import run_trainer_and_queue, truth


async def test_batches_come_by_themselves_until_the_labels_are_spent(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        # Random, so that the test does not wait for a choice each time.
        labelling = {
            "automatic": True,
            "batch_size": 30,
            "most_labels": 75,
            "strategy": "random",
            "reserve_rate": 0.5,
        }
        await both.put_project(
            labelling=labelling,
            training={"min_new_labels": 60},
            promise={"target_accuracy": 0.98, "confidence": 0.95, "certification_labels": 500},
        )
        assert "There" not in (await both.get("labelling"))["sentence"]
        await both.import_pool(0, 300)
        both.answers = lambda _: "positive"

        async def lacks_a_label() -> Any:
            await both.answer_all()
            view = await both.get("labelling")
            checks = [one["check"] for one in view["missing"]]
            return view if view["labels"] >= 20 and "each_label" in checks else None

        seed = await wait_until(lacks_a_label)
        assert seed["stage"] == "seed"
        assert "negative" in seed["sentence"]
        both.answers = truth

        async def is_stopped() -> Any:
            await both.answer_all()
            view = await both.get("labelling")
            return view if view["stage"] == "stopped" and view["open_items"] == 0 else None

        stopped = await wait_until(is_stopped)
        assert "`labelling.most_labels` (75) is reached" in stopped["sentence"]
        batches = (await both.get("pool/batches"))["batches"]
        assert {batch["requested_by"] for batch in batches} == {"trainer"}
        assert max(batch["size"] for batch in batches) == 30

        async def is_measured() -> Any:
            curve = await both.get("learning-curve")
            return curve if curve["points"] and curve["points"][0]["stop_items"] else None

        if stopped["labels"] >= 60:
            curve = await wait_until(is_measured)
            assert curve["stop"]["advice"] == "go_on"
            assert curve["points"][0]["arms"]["random"]["labels"] >= 60
