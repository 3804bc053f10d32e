"""When the first labels are looked at, before there is a version."""

from services.trainer.runs.first_labels import look_if_due
from shared.contracts.versions import OutOfFold
from shared.settings import CommonSettings
from shared.store import first_labels_path
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

SEED = {"min_new_labels": 200}


async def looked_at(parts: TrainerParts) -> OutOfFold | None:
    await look_if_due(parts.resources, parts.project)
    return await parts.resources.store.read_document(first_labels_path(PROJECT), OutOfFold)


async def test_labels_are_looked_at_again_with_a_quarter_more(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training=SEED) as parts:
        await parts.label(range(49), truth)
        assert await looked_at(parts) is None
        await parts.label(range(49, 60), truth)
        first = await looked_at(parts)
        assert first is not None
        assert len(first.item_ids) == 60
        await parts.label(range(60, 70), truth)
        assert await looked_at(parts) == first
        await parts.label(range(70, 75), truth)
        later = await looked_at(parts)
        assert later is not None
        assert len(later.item_ids) == 75


async def test_labels_that_no_longer_fit_are_looked_at_once(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training=SEED) as parts:
        await parts.label(range(60), truth)
        await parts.put_project(labels=["good", "bad"])
        assert await looked_at(parts) is None
        assert parts.resources.first_labels == {PROJECT: 60}


async def test_labels_that_begin_a_run_are_not_looked_at(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training={"min_new_labels": 60}) as parts:
        await parts.label(range(60), truth)
        assert await looked_at(parts) is None
        assert parts.resources.first_labels == {}
