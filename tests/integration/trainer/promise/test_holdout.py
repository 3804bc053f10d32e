"""The hold-out of traffic: it trains nothing, and certifies what was trained beside it."""

import pytest

from services.trainer.datasets.service import freeze, load
from services.trainer.outcomes.service import read_feed
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

_HALF = {"holdout_rate": 0.5}


async def _live(parts: TrainerParts, numbers: range) -> None:
    """Let items arrive, each answered by a reviewer at once."""
    await parts.log_decisions(numbers, f"from-{numbers.start}")
    for i in numbers:
        parts.queue.resolve(f"item-{i}", review(i), truth(review(i)), lane="mandatory")
    await read_feed(parts.resources, PROJECT)
    await parts.read_ledger()
    parts.clock.advance(minutes=1)


async def _live_and_train(parts: TrainerParts) -> None:
    """Publish a version that was trained on what was not held out of 200 items."""
    await parts.step()
    await _live(parts, range(200))
    await parts.publish_version()


async def _trained_on(parts: TrainerParts) -> set[str]:
    dataset, _ = await freeze(parts.resources, parts.project)
    return {row.item_id for row in await load(parts.resources, dataset)}


async def test_a_version_is_certified_on_traffic_from_before_its_labels_were_frozen(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url, promise=_HALF) as parts:
        await _live_and_train(parts)
        trained_on = await _trained_on(parts)
        await parts.step()
        # Reviewers answered its items blind as they came, and need not be asked again.
        view = await parts.certificate()
        assert view.state == "certified"
        assert view.population["kind"] == "traffic"
        assert 70 < view.population["size"] == 200 - len(trained_on) < 130


async def test_the_hold_out_trains_once_it_is_spent_or_a_month_old(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, promise=_HALF) as parts:
        await _live_and_train(parts)
        before = await _trained_on(parts)
        await parts.step()
        assert (await parts.certificate()).state == "certified"
        assert len(await _trained_on(parts)) == len(before) + 40
        parts.clock.advance(days=31)
        assert len(await _trained_on(parts)) == 200


async def test_labels_of_the_pool_are_not_held_out(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url, promise=_HALF) as parts:
        await parts.label(range(60), truth)
        assert len(await _trained_on(parts)) == 60


async def test_where_reviewers_see_suggestions_nothing_is_held_out(
    common: CommonSettings, sqlite_url: str
) -> None:
    changes = {"promise": _HALF, "review": {"blind": False}}
    async with open_trainer_parts(common, sqlite_url, **changes) as parts:
        await _live(parts, range(60))
        assert len(await _trained_on(parts)) == 60


@pytest.mark.any_database
async def test_answers_to_other_instructions_certify_nothing(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url, promise=_HALF) as parts:
        await parts.step()
        await _live(parts, range(200))
        await parts.put_project(promise=_HALF, instructions="Judge the seller, not the toy.")
        await parts.step()
        await parts.publish_version()
        await parts.step()
        assert (await parts.certificate()).state == "waiting"
        # Another promise about the same question makes no answer void.
        parts.clock.advance(minutes=1)
        await _live(parts, range(200, 400))
        promise = {**_HALF, "target_accuracy": 0.81}
        await parts.put_project(promise=promise, instructions="Judge the seller, not the toy.")
        await parts.step()
        view = await parts.certificate()
        assert view.state == "certified"
        assert view.population["size"] == 200


@pytest.mark.thorough
async def test_what_another_version_left_of_its_traffic_certifies_nothing(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, promise=_HALF) as parts:
        await _live_and_train(parts)
        await parts.step()
        assert (await parts.certificate()).state == "certified"
        await parts.label(range(1000, 1060), truth)
        await parts.publish_version()
        await parts.step()
        view = await parts.certificate()
        assert (view.version, view.state) == ("v2", "waiting")
        assert "0 new items" in view.detail
