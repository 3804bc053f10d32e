"""A relabel plan: made of the traffic, posted once, resumed after a crash, and its labels train."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from services.trainer.datasets.service import freeze, load
from services.trainer.monitoring.relabel import service
from services.trainer.outcomes.service import read_feed
from services.trainer.tables import LedgerRow, RelabelItem
from shared.problems import Conflict, NotFound
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, decision, open_trainer_parts


async def with_traffic(parts: TrainerParts, items: int = 300) -> None:
    """Publish v1, and let it have answered so many items, none of them labelled."""
    await parts.label(range(9_000, 9_060), truth)
    await parts.publish_version()
    lines: list[dict[str, Any]] = [
        decision(
            number,
            parts.clock.moment,
            decision="answered",
            reason="confident",
            label="positive",
            suggestion="positive" if number % 3 else "negative",
            confidence=0.9,
            probabilities={"positive": 0.9, "negative": 0.1},
            propensity=0.05,
            model_version="v1",
        )
        for number in range(items)
    ]
    await parts.ship(lines, "r-1")
    await parts.read_ledger()


async def test_a_plan_is_posted_once_and_its_labels_train_with_their_chance(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await with_traffic(parts)
        plan = await service.make(parts.resources, parts.project, 60)
        assert (plan.state, plan.items, plan.posted) == ("planned", 60, 0)
        assert [tranche.items for tranche in plan.tranches] == [42, 18]
        assert {part.words for part in plan.tranches[0].parts} == {
            "suggested label is positive",
            "suggested label is negative",
        }
        posted = parts.queue.posts
        assert await parts.resources.posting.post_pending(PROJECT) == 0

        started = await service.start(parts.resources, parts.project, plan.plan_id)
        assert (started.state, started.posted, started.refused) == ("started", 60, 0)
        assert {task["lane"] for task in parts.queue.tasks.values()} == {"relabel"}
        again = await service.start(parts.resources, parts.project, plan.plan_id)
        assert again.started_at == started.started_at
        assert parts.queue.posts == posted + 1

        for task in list(parts.queue.tasks.values()):
            chance = task["prediction"]["propensity"]
            parts.queue.resolve(
                task["item_id"],
                task["data"],
                truth(task["data"]),
                lane="relabel",
                propensity=chance,
            )
        await read_feed(parts.resources, PROJECT)
        done = await service.describe(parts.resources, PROJECT, plan.plan_id)
        assert done.labelled == 60
        dataset, _ = await freeze(parts.resources, parts.project)
        rows = [row for row in await load(parts.resources, dataset) if row.lane == "relabel"]
        assert len(rows) == 60
        assert all(0 < (row.propensity or 0) < 1 for row in rows)
        assert [one.plan_id for one in await service.describe_all(parts.resources, PROJECT)] == [
            plan.plan_id
        ]


@pytest.mark.any_database
async def test_what_the_queue_did_not_acknowledge_is_posted_later_and_what_is_gone_is_refused(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await with_traffic(parts)
        plan = await service.make(parts.resources, parts.project, 40)
        parts.queue.is_away = True
        started = await service.start(parts.resources, parts.project, plan.plan_id)
        assert (started.state, started.posted) == ("started", 0)
        async with parts.resources.database.transaction() as session:
            item = next(iter(await _items(session, plan.plan_id)))
            await session.delete(await session.get_one(LedgerRow, item.place))
        parts.queue.is_away = False
        assert await parts.resources.posting.post_pending(PROJECT) == 40
        done = await service.describe(parts.resources, PROJECT, plan.plan_id)
        assert (done.posted, done.refused) == (40, 1)
        assert len(parts.queue.tasks) == 39


async def _items(session: Any, plan_id: str) -> Any:
    found = await session.execute(select(RelabelItem).where(col(RelabelItem.plan_id) == plan_id))
    return found.scalars().all()


@pytest.mark.any_database
async def test_there_is_no_plan_without_a_version_or_items(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        with pytest.raises(Conflict, match="no version"):
            await service.make(parts.resources, parts.project, None)
        await parts.label(range(9_000, 9_060), truth)
        await parts.publish_version()
        with pytest.raises(Conflict, match="waits for a label"):
            await service.make(parts.resources, parts.project, None)
        with pytest.raises(NotFound):
            await service.start(parts.resources, parts.project, "none")
