"""Snapshots: the same labels have the same address, and open evidence stays out."""

import pytest

from services.trainer.datasets import service
from services.trainer.datasets.service import freeze, load
from services.trainer.outcomes.service import read_feed
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts


async def _frozen(parts: TrainerParts) -> dict[str, str]:
    dataset, _ = await freeze(parts.resources, parts.project)
    return {row.item_id: row.label for row in await load(parts.resources, dataset)}


@pytest.mark.any_database
async def test_same_labels_have_the_same_address_whatever_their_order(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.label(range(20), truth)
        first, position = await freeze(parts.resources, parts.project)
        for i in reversed(range(20)):
            parts.queue.resolve(f"item-{i}", review(i), "positive", revision=2)
            parts.queue.resolve(f"item-{i}", review(i), truth(review(i)), revision=3)
        await read_feed(parts.resources, PROJECT)
        # The revision is part of the row: a label confirmed anew is another snapshot.
        second, later = await freeze(parts.resources, parts.project)
        third, _ = await freeze(parts.resources, parts.project)
        assert first.dataset_id != second.dataset_id
        assert second.dataset_id == third.dataset_id
        assert later > position
        assert first.items == 20
        assert first.labels == {"negative": 10, "positive": 10}
        listed = await service.list_datasets(parts.resources, PROJECT, 0, 100)
        assert len(listed) == 2


async def test_two_snapshots_differ_in_items_gained_lost_and_relabelled(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        for item_id, label in (("kept", "positive"), ("lost", "positive"), ("other", "negative")):
            parts.queue.resolve(item_id, review(1), label)
        await read_feed(parts.resources, PROJECT)
        before, _ = await freeze(parts.resources, parts.project)
        parts.queue.resolve("lost", review(1), None, revision=2)
        parts.queue.resolve("other", review(1), "positive", revision=2)
        parts.queue.resolve("new", review(1), "positive")
        await read_feed(parts.resources, PROJECT)
        after, _ = await freeze(parts.resources, parts.project)
        found = await service.diff(
            parts.resources, PROJECT, after.dataset_id, against=before.dataset_id
        )
    assert (found.added, found.removed, found.relabelled) == (1, 1, 1)
    assert [(one.item_id, one.change, one.before, one.after) for one in found.changes] == [
        ("lost", "removed", "positive", None),
        ("new", "added", None, "positive"),
        ("other", "relabelled", "negative", "positive"),
    ]


async def test_stored_bytes_are_stable(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(20), truth)
        dataset, _ = await freeze(parts.resources, parts.project)
        before = await parts.resources.store.read(dataset.path)
        parts.clock.advance(days=1)
        await freeze(parts.resources, parts.project)
        assert await parts.resources.store.read(dataset.path) == before


async def test_audits_train_and_gold_never_does(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.resolve("a", review(1), "positive", lane="audit", propensity=0.02)
        parts.queue.resolve("g", review(2), "positive", lane="gold")
        parts.queue.resolve("m", review(3), "positive", lane="mandatory", propensity=1.0)
        parts.queue.resolve("n", review(4), None, lane="mandatory")
        await read_feed(parts.resources, PROJECT)
        dataset, _ = await freeze(parts.resources, parts.project)
        weights = {row.item_id: row.weight for row in await load(parts.resources, dataset)}
        # 1 / 0.02 is capped at 3, and the mean is 1.
        assert weights == {"a": 1.5, "m": 0.5}


async def test_evidence_trains_only_once_it_is_spent(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.label(range(1000, 1060), truth)
        await parts.import_reviews(range(100))
        await parts.publish_version()
        await parts.step()
        parts.queue.answer(truth, "certification")
        drawn = {i for i, task in parts.queue.tasks.items() if task["lane"] == "certification"}
        await read_feed(parts.resources, PROJECT)
        assert not drawn & set(await _frozen(parts))
        await parts.step()
        assert drawn <= set(await _frozen(parts))


async def test_rows_that_no_longer_fit_the_project_are_left_out(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.resolve("long", {"text": "good " * 20}, "positive")
        parts.queue.resolve("other", {"title": "good"}, "positive")
        parts.queue.resolve("label", review(1), "neutral")
        parts.queue.resolve("fits", review(2), "negative")
        await read_feed(parts.resources, PROJECT)
        await parts.put_project(fields={"text": {"type": "text", "max_length": 80}})
        assert await _frozen(parts) == {"fits": "negative"}
