"""The pool as a population: what is drawn from it, in which order, and when it is too small."""

import pytest
from sqlalchemy import select

from services.trainer.outcomes.service import read_feed
from services.trainer.tables import PoolItem
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import open_trainer_parts
from tests.integration.trainer.promise.test_certification import drawn_items, prepare, wrong


@pytest.mark.any_database
async def test_small_pool_waits_and_says_so(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await prepare(parts, pool=30)
        view = await parts.certificate()
        assert view.state == "waiting"
        assert "waits for 40 items" in view.detail
        assert not drawn_items(parts)
        await parts.import_reviews(range(30, 100))
        await parts.step()
        assert (await parts.certificate()).state == "open"


async def test_waiting_certification_blocks_no_run_and_gives_way(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await prepare(parts, pool=10)
        await parts.label(range(2000, 2010), truth)
        await parts.publish_version()
        await parts.step()
        view = await parts.certificate()
        assert (view.version, view.state) == ("v2", "waiting")


async def test_tasks_are_posted_when_the_queue_is_back(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(1000, 1060), truth)
        await parts.import_reviews(range(100))
        await parts.publish_version()
        parts.queue.is_away = True
        await parts.certifier.step(parts.resources, parts.project)
        assert (await parts.certificate()).state == "open"
        assert not drawn_items(parts)
        parts.queue.is_away = False
        assert await parts.resources.posting.post_pending(PROJECT) == 40
        assert len(drawn_items(parts)) == 40
        assert await parts.resources.posting.post_pending(PROJECT) == 0


async def test_hopeless_model_asks_nobody(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url, promise={"target_accuracy": 0.999}) as parts:
        await parts.label(
            range(1000, 1120), lambda data: wrong(data) if "box" in data["text"] else truth(data)
        )
        await parts.import_reviews(range(100))
        await parts.publish_version()
        await parts.step()
        view = await parts.certificate()
        assert view.state == "failed"
        assert not drawn_items(parts)


async def test_walk_passes_over_what_lies_outside_and_leaves_a_uniform_rest(
    common: CommonSettings, database_url: str
) -> None:
    # Reviews without a telling word: the model is unsure of them, and people disagree at random.
    murky = [{"text": f"the parcel {i} came by street {i * 7}"} for i in range(100)]
    promise = {"target_accuracy": 0.92}
    async with open_trainer_parts(common, database_url, promise=promise) as parts:
        await parts.label(range(1000, 1080), truth)
        for i, data in enumerate(murky[:40]):
            parts.queue.resolve(f"murky-{i}", data, ("positive", "negative")[i % 3 == 0])
        await read_feed(parts.resources, PROJECT)
        await parts.import_reviews(range(80))
        await parts.import_raw([(f"pool-murky-{i}", murky[40 + i]) for i in range(40)])
        await parts.publish_version()
        await parts.step()
        async with parts.resources.database.reading() as session:
            items = (await session.execute(select(PoolItem))).scalars().all()
        asked = [item for item in items if item.state == "asked"]
        passed = [item for item in items if item.state == "passed"]
        waiting = [item for item in items if item.state == "waiting"]
        last = max(item.order_key for item in asked)
        assert len(asked) == 40
        assert passed
        assert all(item.item_id.startswith("pool-murky") for item in passed)
        assert all(item.order_key > last for item in waiting)
        assert all(item.order_key < last for item in passed)


async def test_contents_that_trained_the_version_are_neverdrawn_items(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(1000, 1060), truth)
        await parts.import_raw(
            [(f"twin-{i}", {"text": review(i)["text"].upper()}) for i in range(1000, 1060)]
        )
        await parts.import_reviews(range(50))
        await parts.publish_version()
        await parts.step()
        assert len(drawn_items(parts)) == 40
        assert not any(item_id.startswith("twin") for item_id in drawn_items(parts))
