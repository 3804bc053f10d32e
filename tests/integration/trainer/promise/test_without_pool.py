"""A project without a pool, at default settings: reviewers keep up, and a version is certified."""

from typing import Any

import pytest

from shared.contracts.projects import ProjectSpec
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import project_spec, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

pytestmark = pytest.mark.any_database

_DEFAULTS = ProjectSpec.model_validate({**project_spec(), "promise": {}, "training": {}})
_BATCH = 50


def item(number: int) -> tuple[dict[str, Any], str]:
    """Two of three reviews tell what they are; people disagree about the others at random."""
    if number % 3:
        return review(number), truth(review(number)) or ""
    data = {"text": f"the parcel {number} came by street {number * 7}"}
    return data, ("positive", "negative")[(number * 2_654_435_761 >> 7) % 2]


async def live(parts: TrainerParts, numbers: range) -> list[str]:
    """Let items arrive, each answered by a reviewer at once; return the versions that were made."""
    made = []
    for start in range(numbers.start, numbers.stop, _BATCH):
        parts.clock.advance(minutes=10)
        items = {f"item-{number}": item(number) for number in range(start, start + _BATCH)}
        for item_id, (data, label) in items.items():
            parts.queue.resolve(item_id, data, label, lane="mandatory")
        await parts.log_items({i: data for i, (data, _) in items.items()}, f"sent-{start}")
        await parts.read_ledger()
        await parts.step()
        version = await parts.train_if_due()
        made += [] if version is None else [version.version]
        await parts.step()
    return made


@pytest.mark.thorough
async def test_traffic_alone_certifies_a_version_at_default_settings(
    common: CommonSettings, sqlite_url: str
) -> None:
    promise = _DEFAULTS.promise.model_dump()
    training = _DEFAULTS.training.model_dump()
    async with open_trainer_parts(common, sqlite_url, promise=promise, training=training) as parts:
        assert parts.project.promise.certification_labels == 500
        assert parts.project.training.min_new_labels == 200
        made: list[str] = []
        states: set[str] = set()
        for start in range(0, 1_800, 200):
            made += await live(parts, range(start, start + 200))
            states = {entry.state for entry in (await parts.promise()).versions.values()}
            if "certified" in states:
                break
        assert made[0] == "v1"
        assert "certified" in states, (made, await parts.certificate())
        champion = (await parts.channels()).champion
        assert champion is not None
        assert (await parts.promise()).versions[champion].state == "certified"


async def arrive(parts: TrainerParts, items: dict[str, dict[str, Any]], name: str) -> None:
    """Let items arrive, each answered by a reviewer at once."""
    await parts.log_items(items, name)
    for item_id, data in items.items():
        parts.queue.resolve(item_id, data, truth(data), lane="mandatory")
    await parts.read_ledger()
    await parts.step()


async def test_training_waits_for_a_version_that_traffic_may_certify_but_not_for_long(
    common: CommonSettings, database_url: str
) -> None:
    # What arrives in one moment certifies nothing yet.
    promise = {"min_population_span_seconds": 3600}
    async with open_trainer_parts(common, database_url, promise=promise) as parts:
        await parts.label(range(1000, 1060), truth)
        assert await parts.train_if_due() is not None
        parts.clock.advance(minutes=1)
        await arrive(parts, {f"item-{i}": review(i) for i in range(119)}, "most")
        assert (await parts.certificate()).state == "waiting"
        # 119 new labels, where 60 would do.
        assert await parts.train_if_due() is None
        await arrive(parts, {"item-119": review(119)}, "last")
        assert await parts.train_if_due() is not None


async def test_labels_that_came_with_no_traffic_train_at_once(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(1000, 1060), truth)
        assert await parts.train_if_due() is not None
        await parts.label(range(2000, 2060), truth)
        await parts.step()
        assert (await parts.certificate()).state == "waiting"
        assert await parts.train_if_due() is not None
