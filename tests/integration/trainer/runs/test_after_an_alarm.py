"""After an alarm a run learns from what came since, where older labels mislead."""

from pathlib import Path
from typing import Any

import pytest

from services.trainer.datasets.service import freeze, load
from services.trainer.outcomes.service import read_feed
from services.trainer.projects.repository import lock_state
from services.trainer.runs import files, repository
from services.trainer.runs.training import train
from services.trainer.tables import PromiseChange
from shared.contracts.base import rfc3339
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

pytestmark = pytest.mark.any_database

BEFORE, SINCE = range(300), range(1000, 1120)


def flipped(data: dict[str, Any]) -> str:
    return "negative" if truth(data) == "positive" else "positive"


def row(number: int, label: str | None, *, is_new: bool = False) -> dict[str, Any]:
    return {
        "item_id": f"item-{number}",
        "data": review(number),
        "label": label,
        "weight": 1.0,
        "uniform": True,
        "is_new": is_new,
    }


@pytest.mark.parametrize("is_flipped", [pytest.param(True, marks=pytest.mark.thorough), False])
def test_labels_since_the_alarm_decide_what_is_kept(tmp_path: Path, is_flipped: bool) -> None:
    since = flipped if is_flipped else truth
    rows = [row(n, truth(review(n))) for n in BEFORE]
    rows += [row(n, since(review(n)), is_new=True) for n in SINCE]
    job = files.TrainingJob(
        recipe="services.trainer.recipes.text_linear:RECIPE",
        labels=["negative", "positive"],
        seed=0,
        memory_mib=2_000,
        cpu_seconds=100,
        fields={"text": {"type": "text"}},
    )
    result = train(tmp_path, job, rows)
    assert result.item_ids == [f"item-{n}" for n in SINCE]
    assert sum(result.correct) > 110
    weighting = result.report["weighting"]
    assert weighting["new_items"] == len(SINCE)
    assert [one["weight"] for one in weighting["tried"]] == [1.0, 0.0, 0.5, 0.25]
    assert (weighting["older"] < 1) == is_flipped
    assert "from before the change count" in " ".join(result.report["notes"])


async def change(
    parts: TrainerParts, to_state: str, cause: str, from_state: str = "certified"
) -> None:
    async with parts.resources.database.transaction() as session:
        await lock_state(session, PROJECT)
        session.add(
            PromiseChange(
                project=PROJECT,
                at=parts.clock.moment,
                version="v1",
                from_state=from_state,
                to_state=to_state,
                cause=cause,
            )
        )


async def test_only_the_audits_alarm_counts(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:

        async def recent() -> tuple[list[str], int]:
            """The items labelled since the alarm, and the labels that count for the next run."""
            async with parts.resources.database.reading() as session:
                change = await repository.last_change(session, PROJECT)
                new = await repository.count_new_labels(session, PROJECT, 0)
            began = None if change is None else change.began
            dataset, _ = await freeze(parts.resources, parts.project, "fine_tune", began)
            items = await load(parts.resources, dataset)
            return [one.item_id for one in items if one.is_new], new

        await parts.label(range(3), truth)
        assert await recent() == ([], 3)
        parts.clock.advance(minutes=1)
        await change(parts, "suspended", "operator")
        assert await recent() == ([], 3)
        await change(parts, "suspended", "audit_changed")
        assert await recent() == ([], 0)
        parts.clock.advance(minutes=1)
        for number in (3, 4):
            moment = rfc3339(parts.clock.moment)
            parts.queue.resolve(f"item-{number}", review(number), "positive", resolved_at=moment)
        await read_feed(parts.resources, PROJECT)
        assert await recent() == (["item-3", "item-4"], 2)
        # The old version's recovery fails: the alarm is the one that stood before.
        parts.clock.advance(minutes=1)
        await change(parts, "recertifying", "certifying", "suspended")
        await change(parts, "suspended", "audit_changed", "recertifying")
        assert await recent() == (["item-3", "item-4"], 2)
