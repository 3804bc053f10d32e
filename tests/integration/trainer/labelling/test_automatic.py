"""A pool that labels itself: batches, training, further batches, and a stop."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.auth import Keys
from shared.settings import CommonSettings
from shared.store_index import IndexWriter
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, review, run_trainer_and_queue, truth


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


@pytest.mark.thorough
async def test_first_labels_that_look_wrong_are_counted_before_there_is_a_version(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project(training={"min_new_labels": 200})
        await both.import_pool(0, 100)
        wrong = {review(number)["text"]: f"item-{number}" for number in range(0, 100, 11)}

        def with_errors(data: dict[str, Any]) -> str | None:
            right = truth(data)
            if data["text"] not in wrong:
                return right
            return "negative" if right == "positive" else "positive"

        both.answers = with_errors
        assert (await both.get("labelling"))["suspects"] is None
        answer = await both.post("pool/batches", {"strategy": "random", "size": 100})
        assert answer.is_success, answer.text

        async def is_compared() -> Any:
            await both.answer_all()
            view = await both.get("labelling")
            return view if view["suspects"] is not None and view["labels"] == 100 else None

        view = await wait_until(is_compared)
        assert view["suspects"]
        assert "wrong (GET …/suspects" in view["sentence"]
        url = f"/v1/projects/{PROJECT}/suspects"
        listed = (await both.queue.get(url)).json()["suspects"]
        # It doubts some that are right too.
        assert {one["item_id"] for one in listed} & set(wrong.values())


@pytest.mark.thorough
async def test_a_look_at_first_labels_that_a_fault_ended_is_repeated_without_new_labels(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project(training={"min_new_labels": 200})
        await both.import_pool(0, 60)
        # Without an index of routers the trainer gives each project a turn again and again.
        await IndexWriter(both.store, "router-001790000000-0199").write()
        folder = both.resources.runs_folder
        with capture_logs() as lines:
            async with both.resources.looking:
                answer = await both.post("pool/batches", {"strategy": "random", "size": 60})
                assert answer.is_success, answer.text

                async def are_read() -> bool:
                    await both.answer_all()
                    return bool((await both.get("labelling"))["labels"] == 60)

                await wait_until(are_read)
                folder.parent.mkdir(parents=True, exist_ok=True)
                folder.touch()

            def has_failed_often() -> bool:
                # More often than what else is due after the last label gives the project a turn.
                faults = [one for one in lines if one["event"] == "first_labels_left_for_later"]
                return len(faults) >= 6

            await wait_until(has_failed_often)
        folder.unlink()

        async def is_compared() -> bool:
            return (await both.get("labelling"))["suspects"] is not None

        await wait_until(is_compared)
