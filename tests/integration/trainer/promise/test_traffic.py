"""Certification against recent traffic: who belongs to the population, and whose answer counts."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from services.trainer.outcomes.service import read_feed
from services.trainer.tables import Certification, CertificationItem
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts
from tests.integration.trainer.promise.test_certification import answer_with_errors


async def _publish(parts: TrainerParts) -> None:
    await parts.label(range(1000, 1060), truth)
    await parts.publish_version()
    parts.clock.advance(minutes=1)


def _drawn(parts: TrainerParts) -> set[str]:
    return {i for i, task in parts.queue.tasks.items() if task["lane"] == "certification"}


async def _items(parts: TrainerParts) -> Sequence[CertificationItem]:
    async with parts.resources.database.reading() as session:
        return (await session.execute(select(CertificationItem))).scalars().all()


async def _certifications(parts: TrainerParts) -> Sequence[Any]:
    query = select(Certification).order_by(col(Certification.certification_id))
    async with parts.resources.database.reading() as session:
        return (await session.execute(query)).scalars().all()


@pytest.mark.any_database
async def test_traffic_is_preferred_once_it_suffices(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await _publish(parts)
        await parts.import_reviews(range(5000, 5100))
        await parts.log_decisions(range(100), model_version="v1")
        await parts.read_ledger()
        await parts.step()
        view = await parts.certificate()
        assert view.population["kind"] == "traffic"
        assert view.population["size"] == 100
        assert _drawn(parts) <= {f"item-{i}" for i in range(100)}
        parts.queue.answer(truth)
        await parts.step()
        entry = (await parts.promise()).versions["v1"]
        assert entry.state == "certified"
        assert entry.certificate is not None
        assert entry.certificate.population == "traffic"


async def test_pool_serves_while_traffic_does_not_suffice(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await _publish(parts)
        await parts.import_reviews(range(5000, 5100))
        await parts.log_decisions(range(39))
        await parts.read_ledger()
        await parts.step()
        assert (await parts.certificate()).population["kind"] == "pool"


async def test_the_population_is_every_item_first_sent_since_the_freeze(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        parts.clock.advance(hours=-1)
        await parts.log_decisions(range(200, 210), "before")
        parts.clock.advance(hours=1)
        await _publish(parts)
        await parts.log_decisions(range(200, 210), "seen-again")
        await parts.log_decisions(range(300, 310), "never", review="never", decision="declined")
        await parts.log_decisions([1000], "trained-on")
        await parts.log_decisions([1000], "copy-of-trained-on", item_id="other-id")
        await parts.log_decisions([400], "first")
        await parts.log_decisions([400], "sent-twice")
        await parts.log_decisions([400], "same-content", item_id="twin")
        await parts.log_decisions(range(50), "new")
        await parts.read_ledger()
        await parts.step()
        view = await parts.certificate()
        assert view.population["size"] == 10 + 1 + 1 + 1 + 50
        items = {"other-id", "twin", *(f"item-{i}" for i in [*range(50), *range(300, 310), 400])}
        assert _drawn(parts) <= items


async def test_one_verdict_serves_all_copies_and_each_counts(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await _publish(parts)
        # Half of the traffic are copies of one review, which the model misreads.
        for i in range(40):
            await parts.log_decisions([1], f"copy-{i}", item_id=f"copy-{i}")
        await parts.log_decisions(range(100, 140))
        await parts.read_ledger()
        await parts.step()
        items = await _items(parts)
        copies = [item for item in items if item.copy_of is not None]
        contents = {item.data["text"] for item in items}
        assert len(items) == 40
        assert len(copies) > 5
        assert len(_drawn(parts)) == len(contents) == 40 - len(copies)
        assert not _drawn(parts) & {item.item_id for item in copies}
        misread = review(1)
        parts.queue.answer(lambda data: "negative" if data == misread else truth(data))
        await parts.step()
        first = (await _certifications(parts))[0]
        assert first.state == "failed"
        assert first.result["errors"] > 5


async def test_a_refusal_stands_for_the_copies(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url, promise={"certification_draws": 1}) as parts:
        await _publish(parts)
        for i in range(40):
            await parts.log_decisions([1], f"copy-{i}", item_id=f"copy-{i}")
        await parts.read_ledger()
        parts.queue.refuses = {f"copy-{i}" for i in range(40)}
        await parts.step()
        assert (await parts.certificate()).state == "failed"


async def test_brief_traffic_leaves_the_certificate_to_the_pool(
    common: CommonSettings, sqlite_url: str
) -> None:
    promise = {"min_population_span_seconds": 3600}
    async with open_trainer_parts(common, sqlite_url, promise=promise) as parts:
        await _publish(parts)
        await parts.log_decisions(range(50), "burst")
        parts.clock.advance(minutes=20)
        await parts.log_decisions(range(50, 100), "later")
        await parts.read_ledger()
        await parts.step()
        view = await parts.certificate()
        assert view.state == "waiting"
        assert "traffic spans 1200 of the 3600 seconds" in view.detail
        await parts.import_reviews(range(5000, 5100))
        await parts.step()
        population = (await parts.certificate()).population
        assert population["kind"] == "pool"
        assert "1200 of the 3600" in population["why_not_traffic"]


async def test_traffic_that_spans_enough_time_is_preferred(
    common: CommonSettings, sqlite_url: str
) -> None:
    promise = {"min_population_span_seconds": 3600}
    async with open_trainer_parts(common, sqlite_url, promise=promise) as parts:
        await _publish(parts)
        await parts.import_reviews(range(5000, 5100))
        await parts.log_decisions(range(50), "one")
        parts.clock.advance(hours=1)
        await parts.log_decisions(range(50, 100), "two")
        await parts.read_ledger()
        await parts.step()
        assert (await parts.certificate()).population["kind"] == "traffic"


async def test_blind_answer_that_is_there_already_counts(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await _publish(parts)
        await parts.log_decisions(range(40))
        await parts.read_ledger()
        for i in range(40):
            parts.queue.resolve(f"item-{i}", review(i), truth(review(i)), lane="mandatory")
        await parts.step()
        assert (await parts.certificate()).state == "certified"


async def test_traffic_that_was_seen_with_a_suggestion_is_no_population(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await _publish(parts)
        await parts.log_decisions(range(100))
        await parts.read_ledger()
        parts.queue.resolve("item-3", review(3), "positive", lane="mandatory", blind=False)
        await read_feed(parts.resources, PROJECT)
        await parts.step()
        view = await parts.certificate()
        assert view.state == "waiting"
        assert "suggestion" in view.detail


async def test_items_of_an_earlier_attempt_are_spent(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await _publish(parts)
        await parts.log_decisions(range(60))
        await parts.read_ledger()
        await parts.step()
        first = _drawn(parts)
        answer_with_errors(parts, 7)
        await parts.step()
        view = await parts.certificate()
        assert (view.state, view.attempt) == ("waiting", 2)
        assert "traffic has 20" in view.detail
        await parts.log_decisions(range(60, 90), "more")
        await parts.read_ledger()
        await parts.step()
        assert len(_drawn(parts) - first) == 40
