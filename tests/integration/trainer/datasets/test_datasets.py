"""Snapshots: the same labels have the same address, and open evidence stays out."""

from services.trainer.datasets import service
from services.trainer.datasets.service import freeze, load
from services.trainer.outcomes.service import read_feed
from shared.settings import CommonSettings
from tests.integration.trainer.bench import Bench, open_bench
from tests.integration.trainer.world import PROJECT, review, truth


async def _frozen(bench: Bench) -> dict[str, str]:
    dataset, _ = await freeze(bench.resources, bench.project)
    return {row.item_id: row.label for row in await load(bench.resources, dataset)}


async def test_same_labels_have_the_same_address_whatever_their_order(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        await bench.label(range(20), truth)
        first, position = await freeze(bench.resources, bench.project)
        for i in reversed(range(20)):
            bench.queue.resolve(f"item-{i}", review(i), "positive", revision=2)
            bench.queue.resolve(f"item-{i}", review(i), truth(review(i)), revision=3)
        await read_feed(bench.resources, PROJECT)
        # The revision is part of the row: a label confirmed anew is another snapshot.
        second, later = await freeze(bench.resources, bench.project)
        third, _ = await freeze(bench.resources, bench.project)
        assert first.dataset_id != second.dataset_id
        assert second.dataset_id == third.dataset_id
        assert later > position
        assert first.items == 20
        assert first.labels == {"negative": 10, "positive": 10}
        listed = await service.list_datasets(bench.resources, PROJECT, 0, 100)
        assert len(listed) == 2


async def test_stored_bytes_are_stable(common: CommonSettings, sqlite_url: str) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await bench.label(range(20), truth)
        dataset, _ = await freeze(bench.resources, bench.project)
        before = await bench.resources.store.read(dataset.path)
        bench.clock.pass_time(days=1)
        await freeze(bench.resources, bench.project)
        assert await bench.resources.store.read(dataset.path) == before


async def test_audits_train_and_gold_never_does(common: CommonSettings, sqlite_url: str) -> None:
    async with open_bench(common, sqlite_url) as bench:
        bench.queue.resolve("a", review(1), "positive", lane="audit", propensity=0.02)
        bench.queue.resolve("g", review(2), "positive", lane="gold")
        bench.queue.resolve("m", review(3), "positive", lane="mandatory", propensity=1.0)
        bench.queue.resolve("n", review(4), None, lane="mandatory")
        await read_feed(bench.resources, PROJECT)
        dataset, _ = await freeze(bench.resources, bench.project)
        weights = {row.item_id: row.weight for row in await load(bench.resources, dataset)}
        assert weights == {"a": 10.0, "m": 1.0}


async def test_evidence_trains_only_once_it_is_spent(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        await bench.label(range(1000, 1060), truth)
        await bench.import_reviews(range(100))
        await bench.publish_version()
        await bench.step()
        bench.queue.answer(truth, "certification")
        drawn = {i for i, task in bench.queue.tasks.items() if task["lane"] == "certification"}
        await read_feed(bench.resources, PROJECT)
        assert not drawn & set(await _frozen(bench))
        await bench.step()
        assert drawn <= set(await _frozen(bench))


async def test_rows_that_no_longer_fit_the_project_are_left_out(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        bench.queue.resolve("long", {"text": "good " * 20}, "positive")
        bench.queue.resolve("other", {"title": "good"}, "positive")
        bench.queue.resolve("label", review(1), "neutral")
        bench.queue.resolve("fits", review(2), "negative")
        await read_feed(bench.resources, PROJECT)
        await bench.put_project(fields={"text": {"type": "text", "max_length": 80}})
        assert await _frozen(bench) == {"fits": "negative"}
