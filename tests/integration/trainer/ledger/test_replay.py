"""Recorded decisions are made again by the router's own rule, and scored again by the model."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.replay import replay
from services.trainer.registry.scores import score_items
from services.trainer.settings import TrainerSettings
from services.trainer.tables import Certification
from shared.settings import CommonSettings
from tests.harness.cases import further
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

UNSURE = {"confidence": 0.9, "probabilities": {"negative": 0.9, "positive": 0.1}}


async def _scored(parts: TrainerParts) -> dict[str, Any]:
    """Publish v1, and return what it says of review 0, as a router logs it."""
    await parts.label(range(80), truth)
    version = await parts.publish_version()
    scores = await score_items(parts.resources, parts.project, version, [review(0)])
    (label,), confidence = scores.labels, float(scores.scores[0])
    other = next(name for name in parts.project.labels if name != label)
    return {
        "model_version": "v1",
        "suggestion": label,
        "confidence": confidence,
        "probabilities": {str(label): confidence, other: 1 - confidence},
    }


async def _certify(parts: TrainerParts, threshold: float) -> None:
    moment = parts.clock.moment - timedelta(minutes=1)
    async with parts.resources.database.transaction() as session:
        session.add(
            Certification(
                project=PROJECT,
                version="v1",
                attempt=9,
                state="certified",
                result={"threshold": threshold},
                created_at=moment,
                closed_at=moment,
            )
        )


@pytest.mark.parametrize(
    ("row", "status", "words"),
    [
        ({"decision": "answered", "reason": "confident"}, 0, "the same result"),
        ({"reason": "below_threshold"}, 1, "another result: decision answered instead of"),
        ({"reason": "confident", "probabilities": None}, 1, "the record is not enough"),
        *further(
            ({"reason": "forced", "review": "always"}, 0, "the same result"),
            ({"reason": "optional_review", **UNSURE}, 0, "the same result"),
            ({"reason": "uncertified", "decision": "declined", "review": "never"}, 0, "the same"),
            ({"reason": "no_model", "probabilities": None, "suggestion": None}, 0, "the same"),
        ),
    ],
)
async def test_a_recorded_decision_is_made_again(
    common: CommonSettings,
    sqlite_url: str,
    capsys: pytest.CaptureFixture[str],
    row: dict[str, Any],
    status: int,
    words: str,
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        scored = await _scored(parts)
        await _certify(parts, 0.5)
        label = scored["suggestion"] if row.get("decision") == "answered" else None
        await parts.log_decisions([0], **{**scored, "label": label, **row})
        await parts.read_ledger()
        settings = TrainerSettings(database_url=sqlite_url)
        capsys.readouterr()
        assert await asyncio.to_thread(replay, common, settings, PROJECT, "item-0") == status
        said = capsys.readouterr().out
        assert words in said
        assert f"v1 says {scored['suggestion']} with confidence" in said
        unlike = ("no_model", "confident", "optional_review")
        assert "now, as recorded" in said or row["reason"] in unlike


async def test_an_item_without_decisions_is_named(
    common: CommonSettings, sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_trainer_parts(common, sqlite_url):
        settings = TrainerSettings(database_url=sqlite_url)
        assert await asyncio.to_thread(replay, common, settings, PROJECT, "none") == 1
        assert "The ledger has no decision of this item." in capsys.readouterr().out
