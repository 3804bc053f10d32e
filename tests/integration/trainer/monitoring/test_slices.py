"""Failing slices of a champion, from the ledger and the verdicts."""

from services.trainer.monitoring.slices import service
from services.trainer.monitoring.slices.comparing import compare
from services.trainer.outcomes.service import read_feed
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import decision, open_trainer_parts


async def test_a_slice_is_found_in_what_people_judged_with_its_examples(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url, metadata=["channel", "shop"]) as parts:
        nothing = await service.describe(parts.resources, parts.project, None)
        assert nothing.sentence == "There is no version yet."
        await parts.label(range(9_000, 9_060), truth)
        await parts.publish_version()
        lines = []
        for number in range(660):
            metadata = {
                "channel": ("web", "app", "mail")[number % 3],
                "shop": ("north", "south")[number // 3 % 2],
            }
            is_bad = metadata == {"channel": "mail", "shop": "north"}
            wrong = number // 6 % 4 > 0 if is_bad else number % 25 == 0
            lines.append(
                decision(
                    number,
                    parts.clock.moment,
                    suggestion="positive",
                    confidence=0.7,
                    probabilities={"positive": 0.7, "negative": 0.3},
                    reason="below_threshold",
                    model_version="v1",
                    metadata=metadata,
                )
            )
            label = "negative" if wrong else "positive"
            parts.queue.resolve(f"item-{number}", review(number), label, lane="mandatory")
        await parts.ship(lines, "r-1")
        await parts.read_ledger()
        await read_feed(parts.resources, PROJECT)
        found = await service.describe(parts.resources, parts.project, "v1")
        assert found.items == 660
        assert found.effective_items == 660
        assert [{(p.key, p.value) for p in one.predicates} for one in found.slices] == [
            {("channel", "mail"), ("shop", "north")}
        ]
        assert len(found.slices[0].examples) == 5
        assert found.slices[0].examples[0].label == "negative"
        assert "channel is mail" in found.sentence
        assert {one.value for one in found.groups if one.is_worse} == {"mail", "north"}
        parts.clock.advance(minutes=1)
        assert (await parts.publish_version()).version == "v2"
        changes = await compare(parts.resources, parts.project, "v2")
        assert (changes.parent, changes.changes[0].words) == ("v1", "all items")
        assert changes.changes[0].items > 550
        assert any(one.is_slice and "mail" in one.words for one in changes.changes)
        assert (await compare(parts.resources, parts.project, "v1")).changes == []
