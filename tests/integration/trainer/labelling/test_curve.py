"""The learning curve of real versions, on both databases."""

import pytest

from services.trainer.labelling.curve import learning_curve, measure_if_due
from services.trainer.labelling.service import describe, step
from services.trainer.outcomes.service import read_feed
from services.trainer.pool import repository as pool
from services.trainer.projects.repository import lock_state
from services.trainer.selection.messages import BatchRequest
from services.trainer.selection.service import ask_batch, list_batches
from services.trainer.tables import LearningPoint
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import open_trainer_parts

pytestmark = pytest.mark.any_database


async def test_each_version_is_measured_once_and_compared_with_the_one_before(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.import_reviews(range(400))
        empty = await learning_curve(parts.resources, parts.project)
        assert (empty.points, empty.control.verdict) == ([], "too_few")
        assert "0 of 80 labels chosen" in empty.control.words
        seed = await describe(parts.resources, parts.project)
        assert [one.check for one in seed.missing] == ["labels", "each_label"]
        assert seed.waits_for is None
        for size in (60, 40):
            wanted = BatchRequest(strategy="random", size=size)
            await ask_batch(parts.resources, parts.project, wanted, "tests")
            parts.queue.answer(truth)
            await read_feed(parts.resources, PROJECT)
            await parts.publish_version()
            await measure_if_due(parts.resources, parts.project)
            await measure_if_due(parts.resources, parts.project)
        curve = await learning_curve(parts.resources, parts.project)
        assert [(one.version, one.labels) for one in curve.points] == [("v1", 60), ("v2", 100)]
        first, second = curve.points
        assert first.kappa is None
        assert second.kappa is not None
        assert second.stop_items > 50
        assert second.is_uniform
        assert second.arms["random"].labels == 100
        assert second.accuracy is not None
        assert second.interval[0] <= second.accuracy <= second.interval[1]
        assert curve.stop.advice == "go_on"
        assert curve.control.verdict == "too_few"
        assert "at random" not in curve.control.words
        view = await describe(parts.resources, parts.project)
        assert (view.stage, view.missing, view.labels) == ("learning", [], 100)
        await parts.put_project(labelling={"most_labels": 50})
        view = await describe(parts.resources, parts.project)
        assert view.stage == "stopped"


async def test_chosen_labels_are_compared_with_random_ones(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.import_reviews(range(400))
        async with parts.resources.database.transaction() as session:
            await lock_state(session, PROJECT)
            items = [item.item_id for item in await pool.in_states(session, PROJECT, 190)]
            for arm, ids in (("margin", items[:85]), ("random", items[85:])):
                await pool.ask_about(session, PROJECT, ids, batch_id=f"b-{arm}", arm=arm)
        await parts.resources.posting.post_pending(PROJECT)
        parts.queue.answer(truth)
        await read_feed(parts.resources, PROJECT)
        due = await learning_curve(parts.resources, parts.project)
        assert due.control.words == "compared with the next version that is trained"
        await parts.publish_version()
        await measure_if_due(parts.resources, parts.project)
        curve = await learning_curve(parts.resources, parts.project)
        control = curve.control
        assert [point.control for point in curve.points] == [control]
        assert (control.version, control.labels, control.measured) == ("v1", 84, 105)
        assert control.difference is not None
        assert control.interval is not None
        assert control.interval[0] <= control.difference <= control.interval[1]
        assert "with 84 labels each" in control.words
        assert (await describe(parts.resources, parts.project)).selection_pays is None
        async with parts.resources.database.transaction() as session:
            point = await session.get_one(LearningPoint, (PROJECT, "v1"))
            point.control = {**control.model_dump(), "verdict": "does_not_pay"}
        await parts.put_project(labelling={"automatic": True, "batch_size": 10})
        parts.queue.answer(truth)
        await step(parts.resources, parts.project)
        newest, *_ = await list_batches(parts.resources, PROJECT, None, 10)
        assert (newest.strategy, newest.requested_by) == ("random", "trainer")
