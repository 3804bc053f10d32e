"""The learning curve of real versions, on both databases."""

from services.trainer.labelling.curve import learning_curve, measure_if_due
from services.trainer.labelling.service import describe
from services.trainer.outcomes.service import read_feed
from services.trainer.selection.messages import BatchRequest
from services.trainer.selection.service import ask_batch
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import open_trainer_parts


async def test_each_version_is_measured_once_and_compared_with_the_one_before(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.import_reviews(range(400))
        assert (await learning_curve(parts.resources, parts.project)).points == []
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
        view = await describe(parts.resources, parts.project)
        assert (view.stage, view.missing, view.labels) == ("learning", [], 100)
        await parts.put_project(labelling={"most_labels": 50})
        view = await describe(parts.resources, parts.project)
        assert view.stage == "stopped"
