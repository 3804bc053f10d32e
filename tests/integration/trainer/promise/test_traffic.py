"""Certification against recent traffic: who belongs to the population, and whose answer counts."""

from services.trainer.outcomes.service import read_feed
from shared.settings import CommonSettings
from tests.integration.trainer.bench import Bench, open_bench
from tests.integration.trainer.world import PROJECT, review, truth


async def _publish(bench: Bench) -> None:
    await bench.label(range(1000, 1060), truth)
    await bench.publish_version()
    bench.clock.pass_time(minutes=1)


def _drawn(bench: Bench) -> set[str]:
    return {i for i, task in bench.queue.tasks.items() if task["lane"] == "certification"}


async def test_traffic_is_preferred_once_it_suffices(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        await _publish(bench)
        await bench.import_reviews(range(5000, 5100))
        await bench.log_decisions(range(100), model_version="v1")
        await bench.read_ledger()
        await bench.step()
        view = await bench.certificate()
        assert view.population["kind"] == "traffic"
        assert view.population["size"] == 100
        assert _drawn(bench) <= {f"item-{i}" for i in range(100)}
        bench.queue.answer(truth)
        await bench.step()
        entry = (await bench.promise()).versions["v1"]
        assert entry.state == "certified"
        assert entry.certificate is not None
        assert entry.certificate.population == "traffic"


async def test_pool_serves_while_traffic_does_not_suffice(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await _publish(bench)
        await bench.import_reviews(range(5000, 5100))
        await bench.log_decisions(range(39))
        await bench.read_ledger()
        await bench.step()
        assert (await bench.certificate()).population["kind"] == "pool"


async def test_only_new_reviewable_contents_belong_to_the_population(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        bench.clock.pass_time(hours=-1)
        await bench.log_decisions(range(200, 210), "before")
        bench.clock.pass_time(hours=1)
        await _publish(bench)
        await bench.log_decisions(range(200, 210), "seen-again")
        await bench.log_decisions(range(300, 310), "never", review="never", decision="declined")
        await bench.log_decisions([1000], "trained-on", item_id="other-id")
        await bench.log_decisions([400], "first")
        await bench.log_decisions([400], "same-content", item_id="twin")
        await bench.log_decisions(range(50), "new")
        await bench.read_ledger()
        await bench.step()
        view = await bench.certificate()
        assert view.population["size"] == 51
        assert _drawn(bench) <= {"item-400", *(f"item-{i}" for i in range(50))}


async def test_blind_answer_that_is_there_already_counts(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await _publish(bench)
        await bench.log_decisions(range(40))
        await bench.read_ledger()
        for i in range(40):
            bench.queue.resolve(f"item-{i}", review(i), truth(review(i)), lane="mandatory")
        await bench.step()
        assert (await bench.certificate()).state == "certified"


async def test_traffic_that_was_seen_with_a_suggestion_is_no_population(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await _publish(bench)
        await bench.log_decisions(range(100))
        await bench.read_ledger()
        bench.queue.resolve("item-3", review(3), "positive", lane="mandatory", blind=False)
        await read_feed(bench.resources, PROJECT)
        await bench.step()
        view = await bench.certificate()
        assert view.state == "waiting"
        assert "suggestion" in view.detail


async def test_items_of_an_earlier_attempt_are_spent(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await _publish(bench)
        await bench.log_decisions(range(60))
        await bench.read_ledger()
        await bench.step()
        first = _drawn(bench)
        bench.queue.answer(lambda data: None)
        await bench.step()
        view = await bench.certificate()
        assert (view.state, view.attempt) == ("waiting", 2)
        assert "traffic has 20" in view.detail
        await bench.log_decisions(range(60, 90), "more")
        await bench.read_ledger()
        await bench.step()
        assert len(_drawn(bench) - first) == 40
