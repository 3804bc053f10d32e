"""Audited answers, counted by version; decisions by item over HTTP."""

from typing import Any

import pytest

from services.trainer.outcomes.service import read_feed
from services.trainer.watch import view
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.served_trainer import ROOT, serve_trainer
from tests.harness.trainer_and_queue import PROJECT, review
from tests.harness.trainer_parts import open_trainer_parts


async def test_audits_are_counted_by_version(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        answered = {"decision": "answered", "label": "positive", "reason": "confident"}
        await parts.log_decisions(range(10), "a", **answered, audited=True, model_version="v1")
        await parts.log_decisions(range(10), "b", **answered, audited=True, model_version="v1")
        await parts.log_decisions(range(20, 23), "c", **answered, audited=True, model_version="v2")
        await parts.log_decisions(range(30, 99), "d", **answered, model_version="v2")
        await parts.read_ledger()
        for i, label in enumerate(["positive"] * 6 + ["negative", None]):
            parts.queue.resolve(f"item-{i}", review(i), label, lane="audit")
        # Corrected to what the model had said, or answered with its word in sight: errors too.
        for revision, label in enumerate(("negative", None, "positive"), start=1):
            verdicts = int(label is not None)
            parts.queue.resolve(
                "item-8", review(8), label, lane="audit", revision=revision, verdicts=verdicts
            )
        parts.queue.resolve("item-9", review(9), "positive", lane="audit", blind=False)
        await read_feed(parts.resources, PROJECT)
        first, second = await view.audits(parts.resources, PROJECT)
        assert (first.version, first.audited, first.resolved, first.errors) == ("v1", 10, 10, 4)
        assert first.error_rate == 0.4
        assert first.lower is not None
        assert first.upper is not None
        assert first.lower < 0.4 < first.upper
        assert (second.version, second.audited, second.resolved) == ("v2", 3, 0)
        assert second.upper is None


async def test_an_outcome_for_other_data_under_the_same_id_makes_an_audited_answer_wrong(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        # People answered other items under the ids of all but the first.
        parts.queue.resolve("item-0", review(0), "positive", lane="audit")
        parts.queue.resolve("item-1", review(77), "positive", lane="mandatory")
        parts.queue.resolve("item-2", review(78), "negative", lane="mandatory")
        await read_feed(parts.resources, PROJECT)
        answered = {"decision": "answered", "label": "positive", "reason": "confident"}
        await parts.log_decisions(range(3), **answered, audited=True, model_version="v1")
        await parts.read_ledger()
        (counts,) = await view.audits(parts.resources, PROJECT)
        assert (counts.audited, counts.resolved, counts.errors) == (3, 3, 2)


@pytest.mark.any_database
async def test_two_items_under_one_id_are_two_audits(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        answered: dict[str, Any] = {"decision": "answered", "label": "positive"}
        audited = answered | {"reason": "confident", "audited": True, "model_version": "v1"}
        await parts.log_decisions([0], "a", **audited)
        await parts.log_decisions([0], "b", **audited, data=review(77))
        await parts.read_ledger()
        parts.queue.resolve("item-0", review(0), "positive", lane="audit")
        await read_feed(parts.resources, PROJECT)
        (counts,) = await view.audits(parts.resources, PROJECT)
        assert (counts.audited, counts.resolved, counts.errors) == (2, 2, 1)


async def test_decisions_of_an_item_are_listed(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with (
        serve_trainer(common, keys, sqlite_url) as trainer,
        open_trainer_parts(common, sqlite_url) as parts,
    ):
        await parts.log_decisions(range(5))

        async def listed() -> list[str]:
            response = await trainer.operator.get(f"{ROOT}/decisions", params={"item_id": "item-3"})
            return [row["item_id"] for row in response.json()["decisions"]]

        assert await wait_until(listed) == ["item-3"]
        page = (await trainer.operator.get(f"{ROOT}/decisions", params={"limit": 3})).json()
        rest = (
            await trainer.operator.get(f"{ROOT}/decisions", params={"after": page["cursor"]})
        ).json()
        assert [len(page["decisions"]), len(rest["decisions"])] == [3, 2]
        assert rest["cursor"] is None
