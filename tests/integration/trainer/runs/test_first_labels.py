"""When the first labels are looked at, before there is a version."""

from collections.abc import Sequence

import pytest

from services.trainer.labelling.service import describe
from services.trainer.outcomes.repository import label_counts
from services.trainer.runs.first_labels import FirstLooks
from services.trainer.worker import Worker
from shared.contracts.versions import OutOfFold
from shared.doorbells import outcomes_bell
from shared.settings import CommonSettings
from shared.store import first_labels_path
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

SEED = {"min_new_labels": 200}


async def look(parts: TrainerParts, looks: FirstLooks) -> bool:
    await parts.resources.projects.find(PROJECT)
    return await looks.look_if_due(PROJECT)


async def stored(parts: TrainerParts) -> OutOfFold | None:
    return await parts.resources.store.read_document(first_labels_path(PROJECT), OutOfFold)


async def items(parts: TrainerParts) -> int:
    found = await stored(parts)
    return 0 if found is None else len(found.item_ids)


async def resolve(parts: TrainerParts, numbers: Sequence[int]) -> None:
    """Let the worker read the outcomes of some reviews."""

    async def are_read() -> bool:
        async with parts.resources.database.reading() as session:
            return sum((await label_counts(session, PROJECT)).values()) == numbers[-1] + 1

    for number in numbers:
        parts.queue.resolve(f"item-{number}", review(number), truth(review(number)))
    await parts.resources.bells.ring(outcomes_bell(PROJECT))
    await wait_until(are_read)


async def test_labels_are_looked_at_again_with_a_quarter_more(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training=SEED) as parts:
        looks = FirstLooks(parts.resources)
        await parts.label(range(49), truth)
        assert not await look(parts, looks)
        await parts.label(range(49, 60), truth)
        # Batches that are being chosen meanwhile hold up no look, nor does a look hold them up.
        async with parts.resources.choosing:
            assert await look(parts, looks)
        assert await items(parts) == 60
        await parts.label(range(60, 70), truth)
        assert not await look(parts, looks)
        # After a restart the store says how many labels there were.
        looks = FirstLooks(parts.resources)
        assert not await look(parts, looks)
        await parts.label(range(70, 75), truth)
        assert await look(parts, looks)
        assert await items(parts) == 75


@pytest.mark.thorough
async def test_labels_of_another_set_are_looked_at_though_they_are_fewer(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training=SEED) as parts:
        looks = FirstLooks(parts.resources)
        await parts.label(range(60), truth)
        assert await look(parts, looks)
        await parts.put_project(labels=["good", "bad"])
        assert not await look(parts, looks)
        for number in range(55):
            label = "good" if truth(review(number)) == "positive" else "bad"
            parts.queue.resolve(f"item-{number}", review(number), label, revision=2)
        await parts.label([], truth)
        assert await look(parts, looks)
        found = await stored(parts)
        assert found is not None
        assert set(found.labels) == {"good", "bad"}
        assert not await look(parts, looks)


@pytest.mark.thorough
async def test_labels_that_no_model_can_be_fitted_to_are_looked_at_once(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training=SEED) as parts:
        looks = FirstLooks(parts.resources)
        await parts.label(range(60), lambda _: "positive")
        assert await look(parts, looks)
        assert await stored(parts) is None
        assert not await look(parts, looks)


async def test_labels_that_begin_a_run_are_not_looked_at(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training={"min_new_labels": 60}) as parts:
        await parts.label(range(60), truth)
        assert not await look(parts, FirstLooks(parts.resources))


@pytest.mark.thorough
async def test_a_look_holds_no_turn_up_and_a_passing_fault_delays_it(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training=SEED) as parts:
        worker = Worker(parts.resources)
        async with worker.working():
            async with parts.resources.looking:
                await resolve(parts, range(60))
                # The look waits; the project has its turns.
                await resolve(parts, [60])
                await resolve(parts, [61])
                parts.resources.runs_folder.parent.mkdir(parents=True, exist_ok=True)
                parts.resources.runs_folder.touch()
            await wait_until(lambda: PROJECT in worker.first_looks.faults)
            parts.resources.runs_folder.unlink()
            assert await wait_until(lambda: items(parts)) == 62


@pytest.mark.thorough
async def test_advice_that_cannot_be_read_leaves_the_rest_of_the_answer(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training=SEED) as parts:
        await parts.label(range(60), truth)
        looks = FirstLooks(parts.resources)
        assert await look(parts, looks)
        assert (await describe(parts.resources, parts.project)).suspects is not None
        await parts.resources.store.write(first_labels_path(PROJECT), b"{")
        view = await describe(parts.resources, parts.project)
        assert (view.suspects, view.labels) == (None, 60)
        # Nor is it what a restarted trainer goes by.
        assert await look(parts, FirstLooks(parts.resources))
        assert await items(parts) == 60
        await parts.publish_version()
        assert await stored(parts) is None
