"""From an item's answers back to version, run, snapshot, verdicts and certificate."""

import pytest

from services.trainer.jobs import autolabel
from services.trainer.jobs.messages import AutolabelRequest
from services.trainer.lineage import service as lineage
from services.trainer.lineage.service import of_item, similar_items
from services.trainer.outcomes.service import read_feed
from shared.problems import NotFound
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review
from tests.integration.trainer.jobs.parts import open_certified, work

pytestmark = pytest.mark.any_database


async def test_an_answer_leads_back_to_all_that_it_rests_on(
    common: CommonSettings, database_url: str
) -> None:
    async with open_certified(common, database_url) as parts:
        parts.clock.advance(60)
        item_id = "item-5003"
        await parts.log_decisions([5003], model_version="v1", reason="below_threshold")
        await parts.read_ledger()
        parts.queue.resolve(item_id, review(5003), "positive", lane="audit", verdicts=2)
        await read_feed(parts.resources, PROJECT)
        found = await of_item(parts.resources, PROJECT, item_id)
        (answer,) = found.answers
        assert answer.source == "predict"
        assert answer.decision["explanation"]
        assert answer.run is not None
        assert answer.run.requested_by == "tests"
        assert answer.dataset is not None
        assert answer.dataset.items == 60
        assert answer.certificate is not None
        assert (answer.certificate.attempt, answer.certificate.errors) == (1, 0)
        assert found.people is not None
        assert (found.people.label, found.people.verdicts) == ("positive", 2)


async def test_a_label_of_a_job_has_a_lineage_too(common: CommonSettings, sqlite_url: str) -> None:
    async with open_certified(common, sqlite_url) as parts:
        await parts.import_reviews(range(200, 210))
        await autolabel.begin(parts.resources, parts.project, AutolabelRequest(), "olivia")
        parts.clock.advance(60)
        await work(parts)
        found = await of_item(parts.resources, PROJECT, "item-203")
        (answer,) = found.answers
        assert (answer.source, answer.decision["decision"]) == ("job", "answered")
        assert answer.certificate is not None
        assert found.people is None
        for unknown in ("none", "\x00"):
            with pytest.raises(NotFound):
                await of_item(parts.resources, PROJECT, unknown)


async def test_labelled_items_with_common_words_are_found_without_gold(
    common: CommonSettings, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage, "_PAGE", 7)
    async with open_certified(common, sqlite_url) as parts:
        texts = {"near": "the parcel came late", "far": "zzz", "known": "the parcel came"}
        for item_id, text in texts.items():
            lane = "gold" if item_id == "known" else "pool"
            parts.queue.resolve(item_id, {"text": text}, "negative", lane=lane)
        await read_feed(parts.resources, PROJECT)
        await parts.import_raw([("asked", {"text": "The parcel, it CAME late"})])
        found = await similar_items(parts.resources, PROJECT, "asked")
        first = found.items[0]
        assert (first.item_id, first.label, first.similarity) == ("near", "negative", 0.8)
        assert not {"far", "known", "asked"} & {one.item_id for one in found.items}
        assert len(found.items) <= 10
        with pytest.raises(NotFound):
            await similar_items(parts.resources, PROJECT, "none")
