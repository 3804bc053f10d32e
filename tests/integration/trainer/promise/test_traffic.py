"""Certification against recent traffic: who belongs to the population, and whose answer counts."""

from services.trainer.outcomes.service import read_feed
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts


async def _publish(parts: TrainerParts) -> None:
    await parts.label(range(1000, 1060), truth)
    await parts.publish_version()
    parts.clock.advance(minutes=1)


def _drawn(parts: TrainerParts) -> set[str]:
    return {i for i, task in parts.queue.tasks.items() if task["lane"] == "certification"}


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


async def test_only_new_reviewable_contents_belong_to_the_population(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        parts.clock.advance(hours=-1)
        await parts.log_decisions(range(200, 210), "before")
        parts.clock.advance(hours=1)
        await _publish(parts)
        await parts.log_decisions(range(200, 210), "seen-again")
        await parts.log_decisions(range(300, 310), "never", review="never", decision="declined")
        await parts.log_decisions([1000], "trained-on", item_id="other-id")
        await parts.log_decisions([400], "first")
        await parts.log_decisions([400], "same-content", item_id="twin")
        await parts.log_decisions(range(50), "new")
        await parts.read_ledger()
        await parts.step()
        view = await parts.certificate()
        assert view.population["size"] == 51
        assert _drawn(parts) <= {"item-400", *(f"item-{i}" for i in range(50))}


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
        parts.queue.answer(lambda data: None)
        await parts.step()
        view = await parts.certificate()
        assert (view.state, view.attempt) == ("waiting", 2)
        assert "traffic has 20" in view.detail
        await parts.log_decisions(range(60, 90), "more")
        await parts.read_ledger()
        await parts.step()
        assert len(_drawn(parts) - first) == 40
